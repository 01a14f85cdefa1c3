import { type DocumentFault, type Fault, faultsOf, openDocument } from '../../base/document.js';
import { Recipe } from './schema.js';

/** Parses and checks one recipe's text; finds every fault, with its place and field. */
export function parseRecipe(file: string, text: string): { recipe: Recipe } | { faults: DocumentFault[] } {
  const opened = openDocument(file, text);
  if ('faults' in opened) return opened;
  const content = opened.content();
  if ('faults' in content) return content;
  const outcome = Recipe.safeParse(content.value);
  const faults = outcome.success ? contradictions(outcome.data) : outcome.error.issues.flatMap(faultsOf);
  if (faults.length > 0 || !outcome.success) return { faults: opened.place(faults) };
  return { recipe: outcome.data };
}

/** What the schema can't say. */
function contradictions(recipe: Recipe): Fault[] {
  const faults: Fault[] = [];
  const versions = recipe.releases.map((release) => release.version);
  for (const [index, version] of versions.entries()) {
    if (versions.indexOf(version) !== index) {
      faults.push({ path: ['releases', index, 'version'], message: `release ${version} stands twice` });
    }
  }
  if (recipe.releases.filter((release) => release.default).length > 1) {
    faults.push({ path: ['releases'], message: 'more than one release is marked default' });
  }
  for (const [index, patch] of recipe.patches.entries()) {
    for (const version of patch.when?.release ?? []) {
      if (!versions.includes(version)) {
        faults.push({
          path: ['patches', index, 'when', 'release'],
          message: `there is no release ${version}`,
        });
      }
    }
  }
  const regions = [recipe.control, ...recipe.releases.map((release) => release.control)];
  for (const [index, control] of regions.entries()) {
    const prefix = index === 0 ? [] : ['releases', index - 1];
    const expressions = {
      path: control?.path,
      iface: control?.iface,
      'identity.model': control?.identity?.model,
      'identity.serial': control?.identity?.serial,
      ...(control?.shape === 'daemon' ? { folder: control.folder } : {}),
      ...(control?.shape === 'control-file' ? { 'list.match': control.list.match } : {}),
      ...Object.fromEntries((control?.says ?? []).map(({ line }, at) => [`says.${at}.line`, line])),
    };
    for (const [field, expression] of Object.entries(expressions)) {
      try {
        new RegExp(expression ?? '');
      } catch (error) {
        const path = field.split('.').map((word) => (/^\d+$/.test(word) ? Number(word) : word));
        faults.push({ path: [...prefix, 'control', ...path], message: (error as Error).message });
      }
    }
  }
  return faults;
}
