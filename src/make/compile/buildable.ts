import { MissingError } from '../../base/errors.js';
import type { Host } from '../../hosts/host/host.js';
import type { SelectedRelease } from '../recipe/load.js';
import type { Requirement } from '../recipe/schema.js';
import { missingOn } from './elsewhere.js';
import type { KernelTree } from './kernel.js';
import { missingFor } from './requirements.js';

export interface BuildPlace {
  /** The kernel that a module is built for. */
  kernel?: KernelTree | undefined;
  /** Another host that the steps run on, with its compiler; sources, patches and the store are this machine's. */
  on?: Host | undefined;
}

/** A release that can be built where it is to be built: this version can, and nothing that it requires is missing there. */
export class Buildable {
  readonly selected: SelectedRelease;
  readonly kernel: KernelTree | undefined;
  readonly on: Host | undefined;

  private constructor(selected: SelectedRelease, { kernel, on }: BuildPlace) {
    this.selected = selected;
    this.kernel = kernel;
    this.on = on;
  }

  /** @throws MissingError where this version can't build it, or something that the build requires is not there */
  static async check(selected: SelectedRelease, place: BuildPlace = {}): Promise<Buildable> {
    await refuseUnbuildable(selected, place);
    return new Buildable(selected, place);
  }
}

/** A kernel of Debian's brings compiler and make. */
const ROOT_TOOLS: Requirement[] = [{ command: 'bwrap', debian: 'bubblewrap' }];

async function refuseUnbuildable(selected: SelectedRelease, { kernel, on }: BuildPlace): Promise<void> {
  const { recipe, release } = selected;
  const tried = `building ${recipe.name} ${release.version}`;
  if (release.unavailable !== undefined) {
    const named = `${recipe.name} --release ${release.version}`;
    throw new MissingError({
      tried,
      happened: release.unavailable,
      next:
        release.script === undefined
          ? `\`aoe-lab patch ${named} --output DIR\` gives the patched tree, to be built by hand`
          : `\`aoe-lab export --impl ${named} … --dry-run\` prints the steps as a script for that system`,
      missing: [recipe.name],
    });
  }
  if (recipe.kind === 'kernel module' && kernel === undefined) {
    throw new MissingError({
      tried,
      happened: 'nothing says for which kernel',
      next: `\`aoe-lab build ${recipe.name} --kernel 6.1\``,
      missing: ['a kernel'],
    });
  }
  const requires = kernel?.root === undefined ? selected.build.requires : ROOT_TOOLS;
  const missing = on === undefined ? missingFor(requires) : await missingOn(on, requires);
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map(({ debian }) => debian))].join(' ');
  throw new MissingError({
    tried,
    happened: `missing ${on === undefined ? 'here' : `on ${on.name}`}: ${missing.map(({ kind, name }) => `${kind} ${name}`).join(', ')}`,
    next:
      on === undefined
        ? `apt-get install --no-install-recommends ${packages}`
        : `aoe-lab host prepare ${on.name} --install brings what Debian calls ${packages}`,
    missing: missing.map(({ name }) => name),
  });
}
