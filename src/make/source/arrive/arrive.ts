import type { Source } from '../../recipe/schema.js';
import type { Arrival, ArriveOptions } from './arrival.js';

/** Where something is fetched from: all but what is part of this package. */
export type Location = Exclude<Source, { type: 'builtin' }>;

/** Fetches from one location of a recipe, by the means of its kind. */
export async function arrive(source: Location, options: ArriveOptions): Promise<Arrival> {
  switch (source.type) {
    case 'archive': {
      const { arriveByHttp } = await import('./archive.js');
      return arriveByHttp(source.url, source, options);
    }
    case 'git': {
      const { arriveByGit } = await import('./git.js');
      return arriveByGit(source.url, source.ref, options);
    }
    case 'svn': {
      const { arriveBySvn } = await import('./svn.js');
      return arriveBySvn(source.url, source.revision, options);
    }
    case 'debian': {
      const { arriveByDebian } = await import('./debian.js');
      return arriveByDebian(source.package, source.version, options);
    }
  }
}
