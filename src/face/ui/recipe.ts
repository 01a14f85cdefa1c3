import type { Summary } from '../../make/compile/summary.js';
import { withRelease } from '../../make/recipe/load.js';
import type { Recipe } from '../../make/recipe/schema.js';
import colors from './colors.js';

/** A recipe as a person reads it. */
export function describeRecipe(recipe: Recipe, summary: Summary): string {
  const heading = (text: string) => colors.bold(text);
  const lines = [heading(recipe.title), recipe.summary, `${recipe.kind}`];
  for (const release of recipe.releases) {
    lines.push('', heading(`release ${release.version}${release.default ? ' (default)' : ''}`));
    if (release.note) lines.push(`  ${release.note}`);
    if (release.unavailable) lines.push(`  not here: ${release.unavailable}`);
    if (release.script) {
      lines.push(
        `  \`aoe-lab export --impl ${recipe.name} --release ${release.version} … --dry-run\` prints a script for it`,
      );
    }
    for (const source of summary.sources.filter((one) => one.release === release.version)) {
      lines.push(`  ${source.state.padEnd(10)} ${source.location}`);
    }
    for (const tree of release.trees ?? []) lines.push(`  tree ${tree.sha256.slice(0, 16)}… ${tree.seen}`);
    const { control } = withRelease(recipe, release);
    const options = Object.entries(control.options).map(([name, { min, max, note, why }]) => {
      const range = min === undefined && max === undefined ? '' : ` ${min ?? ''}…${max ?? ''}`;
      const words = [note, why].filter((text) => text !== undefined);
      return `${name}${range}${words.length === 0 ? '' : ` (${words.join('; ')})`}`;
    });
    lines.push(`  options: ${options.join(', ') || 'none'}`);
  }
  if (recipe.patches.length > 0) {
    lines.push('', heading('patches'));
    for (const patch of recipe.patches) {
      const condition = Object.entries(patch.when ?? {})
        .map(([fact, value]) => `${fact} ${Array.isArray(value) ? value.join(', ') : value}`)
        .join('; ');
      const name = patch.form === 'diff' ? patch.file : `${patch.id}: ${patch.why}`;
      lines.push(`  ${name}${condition ? colors.dim(` [${condition}]`) : ''}`);
    }
  }
  lines.push('', heading('needed to build here'));
  lines.push(
    summary.missing.length === 0
      ? '  all there'
      : `  missing: ${summary.missing.join(', ')}${summary.packages.length > 0 ? ` → apt-get install ${summary.packages.join(' ')}` : ''}`,
  );
  if (recipe.quirks.length > 0) {
    lines.push('', heading('quirks'));
    for (const quirk of recipe.quirks) {
      lines.push(`  ${quirk.id}${quirk.releases ? ` (${quirk.releases.join(', ')})` : ''}: ${quirk.text}`);
    }
  }
  if (recipe.guide.length > 0) lines.push('', heading('by hand'), ...recipe.guide.map((line) => `  ${line}`));
  if (recipe.verified.length > 0) {
    lines.push('', heading('verified'));
    for (const { release, what, on, date } of recipe.verified)
      lines.push(`  ${release}: ${what}, on ${on}, ${date}`);
  }
  return lines.join('\n');
}
