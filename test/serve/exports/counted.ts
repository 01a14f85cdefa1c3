/** Hosts that are counted on: what each question costs one over SSH is a command of its own. */
import type { Host } from '../../../src/hosts/host/host.js';

/** Answered without a command, once they were asked. */
const REMEMBERED = ['facts', 'stateFolder'];

/**
 * The same host, which notes what it is asked.
 * @param calls receives a line each @param other what it says differently
 */
export function counted(host: Host, calls: string[], other: Partial<Host> = {}): Host {
  return new Proxy(host, {
    get(of, key: keyof Host) {
      if (key in other) return other[key];
      if (key === 'inNamespace') return (netns?: string) => counted(of.inNamespace(netns), calls, other);
      const value: unknown = Reflect.get(of, key, of);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        if (!REMEMBERED.includes(key) && (key !== 'remove' || args.length > 0))
          calls.push(`${key} ${[args[0]].flat().join(' ')}`);
        return value.apply(of, args);
      };
    },
  });
}
