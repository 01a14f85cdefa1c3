import { UnreachableError } from '../../base/errors.js';
import type { SelectedRelease } from '../recipe/load.js';
import type { Release } from '../recipe/schema.js';
import { describeSource } from './location.js';

export interface Failure {
  location: string;
  reason: string;
}

/** No location gave the source: each with its reason, and how to bring one's own. */
export function unreachable(
  selected: SelectedRelease,
  failures: readonly Failure[],
  offline: boolean,
): UnreachableError {
  const { recipe, release } = selected;
  const { name } = recipe;
  const { version, sources } = release;
  const bring = `bring your own copy: aoe-lab fetch ${name} --release ${version} --source DIR|ARCHIVE|URL`;
  return new UnreachableError({
    tried: `fetching ${name} ${version}${offline ? ' from the store alone (--offline)' : ''}`,
    happened: [
      headline(release, offline),
      ...failures.map(({ location, reason }) => `${location}: ${reason}`),
    ],
    next: offline && !allGone(release) ? ['run it once without --offline', bring] : bring,
    cause: { locations: sources.map(describeSource) },
  });
}

function headline(release: Release, offline: boolean): string {
  const { length } = release.sources;
  if (length === 0) return 'no place is known that ever served it';
  if (allGone(release)) {
    return `nobody serves this release any more: ${length === 1 ? 'its only known location is' : `all ${length} known locations are`} gone`;
  }
  return offline ? 'the store does not have it' : 'no location gave it';
}

function allGone({ sources }: Release): boolean {
  return sources.every((source) => source.state === 'gone');
}
