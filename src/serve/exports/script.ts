import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { UsageError } from '../../base/errors.js';
import { packageRoot } from '../../base/files/paths.js';
import { render } from '../../base/templating.js';
import { quote } from '../../hosts/host/quote.js';
import type { SelectedRelease } from '../../make/recipe/load.js';
import { checkSpec, type ExportSpec } from './spec.js';

/**
 * The shell script of a release that runs on a system where aoe-lab does not: fetch, build and export as its guide has
 * it. Texts among its variables are quoted.
 * @throws UsageError if the release has no script, or the spec can't be met by the target
 */
export function renderScript(selected: SelectedRelease, spec: ExportSpec): string {
  const { recipe, release } = selected;
  const tried = `writing the script of ${recipe.name} ${release.version}`;
  if (release.script === undefined) {
    throw new UsageError({ tried, happened: 'it has none' });
  }
  checkSpec(recipe.name, release.version, selected.control, spec);
  if (!posix.isAbsolute(spec.path)) {
    throw new UsageError({
      tried,
      happened: `${spec.path} does not say which file of that host is meant`,
      next: 'name it by its whole path',
    });
  }
  const source = release.sources.find((one) => 'url' in one);
  return render(readFileSync(join(packageRoot, 'templates', release.script), 'utf8'), {
    url: source !== undefined && 'url' in source ? quote(source.url) : null,
    iface: quote(spec.iface),
    path: quote(spec.path),
    isDevice: spec.path.startsWith('/dev/'),
    size: spec.size ?? null,
    shelf: spec.shelf,
    slot: spec.slot,
  });
}
