import { LineCounter, parseDocument } from 'yaml';
import { Recipe } from './schema.js';

/** One fault in a recipe. */
export interface RecipeFault {
  file: string;
  /** From 1. */
  line: number;
  /** Path of the field, such as `releases[0].sources[1].url`; empty for the whole document. */
  field: string;
  reason: string;
}

/** Parses and checks one recipe's text; finds every fault, with the line and the field. */
export function parseRecipe(file: string, text: string): { recipe: Recipe } | { faults: RecipeFault[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  if (document.errors.length > 0) {
    return {
      faults: document.errors.map((error) => ({
        file,
        line: lines.linePos(error.pos[0]).line,
        field: '',
        reason: (error.message.split('\n')[0] ?? error.message).replace(/ at line \d+, column \d+:?$/, ''),
      })),
    };
  }
  const lineOf = (path: readonly PropertyKey[]): number => {
    for (let length = path.length; length >= 0; length--) {
      const node = document.getIn(path.slice(0, length), true) as { range?: number[] } | undefined;
      if (node?.range?.[0] !== undefined) return lines.linePos(node.range[0]).line;
    }
    return 1;
  };
  let content: unknown;
  try {
    content = document.toJS();
  } catch (error) {
    // An alias without its anchor is noticed only here.
    return { faults: [{ file, line: 1, field: '', reason: (error as Error).message }] };
  }
  const outcome = Recipe.safeParse(content);
  if (!outcome.success) {
    return {
      faults: outcome.error.issues.flatMap((issue) =>
        flatten(issue).map(({ path, message }) => ({
          file,
          line: lineOf(path),
          field: fieldName(path),
          reason: message,
        })),
      ),
    };
  }
  const faults = contradictions(outcome.data).map(({ path, message }) => ({
    file,
    line: lineOf(path),
    field: fieldName(path),
    reason: message,
  }));
  return faults.length > 0 ? { faults } : { recipe: outcome.data };
}

interface Fault {
  path: readonly PropertyKey[];
  message: string;
}

interface Issue extends Fault {
  code?: string | undefined;
  keys?: string[];
  errors?: readonly (readonly Issue[])[];
}

/** An unknown key is named as a field of its own; of a union the alternative that came closest speaks. */
function flatten(issue: Issue): Fault[] {
  if (issue.code === 'unrecognized_keys' && issue.keys) {
    return issue.keys.map((key) => ({ path: [...issue.path, key], message: 'no such field' }));
  }
  const alternatives = issue.errors?.filter((errors) => errors.length > 0);
  if (issue.code === 'invalid_union' && alternatives && alternatives.length > 0) {
    const closest = [...alternatives].sort((a, b) => a.length - b.length)[0] as readonly Issue[];
    return closest.flatMap((inner) => flatten({ ...inner, path: [...issue.path, ...inner.path] }));
  }
  return [{ path: issue.path, message: issue.message }];
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
      ...(control?.shape === 'control-file' ? { 'list.match': control.list.match } : {}),
    };
    for (const [field, expression] of Object.entries(expressions)) {
      try {
        new RegExp(expression ?? '');
      } catch (error) {
        faults.push({ path: [...prefix, 'control', ...field.split('.')], message: (error as Error).message });
      }
    }
  }
  return faults;
}

function fieldName(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) =>
      typeof part === 'number' ? `[${part}]` : index === 0 ? String(part) : `.${String(part)}`,
    )
    .join('');
}
