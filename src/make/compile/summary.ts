import { select } from '../recipe/load.js';
import type { Recipe, SourceState } from '../recipe/schema.js';
import { missingFor } from './requirements.js';

export interface Summary {
  name: string;
  title: string;
  kind: string;
  /** The default one first. */
  releases: string[];
  sources: { release: string; type: string; location: string; state: SourceState }[];
  /** Whether this machine can build its default release now. */
  buildable: boolean;
  /** What stands in the way, each a tool, header or reason. */
  missing: string[];
  /** Debian packages that bring it. */
  packages: string[];
  unavailable?: string;
  verified: Recipe['verified'];
}

/** What `list` shows of a recipe; looks at this machine's files only, starts nothing. */
export function summarise(recipe: Recipe): Summary {
  const selected = select(recipe);
  const { release, build, control } = selected;
  const missing = missingFor([...build.requires, ...(control.requires ?? [])]);
  const { unavailable } = release;
  return {
    name: recipe.name,
    title: recipe.title,
    kind: recipe.kind,
    releases: [release, ...recipe.releases.filter((other) => other !== release)].map(
      ({ version }) => version,
    ),
    sources: recipe.releases.flatMap(({ version, sources }) =>
      sources.map((source) => ({
        release: version,
        type: source.type,
        location: locationOf(source),
        state: source.state,
      })),
    ),
    buildable: unavailable === undefined && missing.length === 0,
    missing: [
      ...missing.map(({ name }) => name),
      ...(unavailable === undefined ? [] : [`support in this version: ${unavailable}`]),
    ],
    packages: [...new Set(missing.map(({ debian }) => debian))],
    ...(unavailable === undefined ? {} : { unavailable }),
    verified: recipe.verified,
  };
}

function locationOf(source: Recipe['releases'][number]['sources'][number]): string {
  switch (source.type) {
    case 'debian':
      return `Debian source package ${source.package} ${source.version}`;
    case 'builtin':
      return 'part of aoe-lab';
    default:
      return source.url;
  }
}
