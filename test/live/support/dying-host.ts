/** A command killed at a step of its choosing: from then on its host hears nothing more of it, not even what undoes. */
import type { Host } from '../../../src/hosts/host/host.js';

const STEPS = new Set<string | symbol>([
  'run',
  'start',
  'write',
  'put',
  'remove',
  'read',
  'list',
  'stat',
  'lock',
]);

export class Dead extends Error {}

/** The host as a command sees it that dies at a step. @returns how many steps it has come to, too */
export function dyingHost(host: Host, last: number): { host: Host; steps(): number } {
  let taken = 0;
  const dying = new Proxy(host, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (name === 'inNamespace') return () => dying;
      if (typeof value !== 'function') return value;
      return (...words: unknown[]) => {
        if (STEPS.has(name)) taken += 1;
        if (taken > last) return Promise.reject(new Dead(`killed at step ${last}`));
        return (value as (...words: unknown[]) => unknown).apply(target, words);
      };
    },
  });
  return { host: dying, steps: () => taken };
}
