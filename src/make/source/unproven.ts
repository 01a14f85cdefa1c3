/** What nothing vouches for: neither a digest that is pinned nor the channel it came by. */
import { LabError } from '../../base/errors.js';
import type { Source } from '../recipe/schema.js';
import type { SourceTree } from './source-tree.js';

/** Of a tree that is to be built. */
export class UnprovenError extends LabError {}

/** Whether anybody on the way may have changed what comes from an address: nothing encrypts it. */
export function isPlain(address: string): boolean {
  return /^(?:(?:git|svn)\+)?(?:http|git|svn|ftp):\/\//i.test(address);
}

/** The same for a location of a recipe; what Debian gives is signed. */
export function isPlainSource(source: Source): boolean {
  return 'url' in source && isPlain(source.url);
}

/**
 * Called for each tree before anything of it is run.
 * @param unpinned whether the user takes it as it is
 * @throws UnprovenError
 */
export function requireProven(tree: SourceTree, unpinned: boolean | undefined): void {
  if (!tree.unproven || unpinned) return;
  const { implementation, release, location, digest, folder, expected } = tree;
  throw new UnprovenError({
    tried: `building ${implementation} ${release} from ${location}`,
    happened: `${
      expected === undefined ? 'no digest is pinned' : `it is not the pinned tree (${expected.join(' or ')})`
    }, and anybody on the way to an address without TLS may have changed it: building it, as root loading it, would run whatever came. Its tree has sha256 ${digest}`,
    next: [
      'compare this digest with one that you trust, and pin it (trees: of the release in its recipe, or sha256: of the archive)',
      `look at ${folder}, and give --unpinned (unpinned: true in lab.yaml) to build it as it is`,
    ],
  });
}

/** What whoever builds a tree should know of it; undefined: it is what is pinned, the user's own, or part of aoe-lab. */
export function sourceRemark({ unproven, pinned, location, digest }: SourceTree): string | undefined {
  if (unproven) return `nothing vouches for the source from ${location}: its tree has sha256 ${digest}`;
  return pinned === 'differs'
    ? `the source from ${location} differs from the pinned tree: it has sha256 ${digest}`
    : undefined;
}
