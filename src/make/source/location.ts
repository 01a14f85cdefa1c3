import type { Source } from '../recipe/schema.js';
import { withoutCredentials } from './credentials.js';

/** How people are told of a location. */
export function describeSource(source: Source): string {
  return withoutCredentials(words(source));
}

function words(source: Source): string {
  switch (source.type) {
    case 'archive':
      return source.url;
    case 'git':
      return `git ${source.url}${source.ref === undefined ? '' : ` at ${source.ref}`}`;
    case 'svn':
      return `svn ${source.url}${source.revision === undefined ? '' : ` at r${source.revision}`}`;
    case 'debian':
      return `Debian source package ${source.package} ${source.version}`;
    case 'builtin':
      return 'part of aoe-lab';
  }
}

/** The recipe's order, but those known to be gone last. */
export function inOrder(sources: readonly Source[]): Source[] {
  const gone = (source: Source): boolean => source.state === 'gone';
  return [...sources.filter((source) => !gone(source)), ...sources.filter(gone)];
}

/** What a location is, for the store's memory of what it gave: all but what is only said about it. */
export function sourceKey(source: Source): string {
  const { state: _state, note: _note, ...rest } = source;
  // What is pinned is checked against what is remembered, and no part of the key.
  const identity = rest.type === 'archive' ? { type: rest.type, url: rest.url, subdir: rest.subdir } : rest;
  return JSON.stringify(Object.entries(identity).sort(([a], [b]) => (a < b ? -1 : 1)));
}
