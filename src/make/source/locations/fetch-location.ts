import type { Source } from '../../recipe/schema.js';
import type { Fetched, LocationOptions } from './fetched.js';

/** Where something is fetched from: all but what is part of this package. */
export type Location = Exclude<Source, { type: 'builtin' }>;

/** Fetches from one location of a recipe, by the means of its kind. */
export async function fetchLocation(source: Location, options: LocationOptions): Promise<Fetched> {
  switch (source.type) {
    case 'archive': {
      const { fetchByHttp } = await import('./archive.js');
      return fetchByHttp(source.url, source, options);
    }
    case 'git': {
      const { fetchByGit } = await import('./git.js');
      return fetchByGit(source.url, source.ref, options);
    }
    case 'svn': {
      const { fetchBySvn } = await import('./svn.js');
      return fetchBySvn(source.url, source.revision, options);
    }
    case 'debian': {
      const { fetchByDebian } = await import('./debian.js');
      return fetchByDebian(source.package, source.version, options);
    }
  }
}
