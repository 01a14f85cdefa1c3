import { UsageError } from '../../base/errors.js';
import type { Recipe } from '../../make/recipe/schema.js';
import type { Served } from '../../serve/exports/served.js';

/** Where a target runs: on this machine, or in a guest. */
export type Place = 'here' | 'guest';

/** Where it ran, and the kernel below it. */
export interface Ran {
  place: Place | 'host';
  /** Over SSH, by the name that it was asked for. */
  host?: string;
  kernel: string;
}

/** "here, Linux 6.1.0", "host store, Linux 6.1.0" */
export function describeRan({ place, host, kernel }: Ran): string {
  return `${place}${host === undefined ? '' : ` ${host}`}, Linux ${kernel}`;
}

/** @throws UsageError for a module: it would take the host with it */
export function refuseModule({ kind, name }: Pick<Recipe, 'kind' | 'name'>, host: string): void {
  if (kind !== 'kernel module') return;
  throw new UsageError({
    tried: `trying ${name} on ${host}`,
    happened: 'a kernel module is tried in a guest, where it can harm nobody',
    next: 'leave the host out',
  });
}

/**
 * Where a target is tried.
 * @param wanted where the user wants it; undefined: where the recipe says
 * @throws UsageError if it can't be tried there
 */
export function placeOf(
  { control, implementation }: Pick<Served, 'control' | 'implementation'>,
  wanted: Place | undefined,
): Place {
  const isModule = control.shape === 'control-file';
  if (wanted === undefined) return isModule ? 'guest' : 'here';
  if (wanted === 'here' ? !isModule : isModule) return wanted;
  throw new UsageError({
    tried: `running ${implementation} ${wanted === 'here' ? 'here' : 'in a guest'}`,
    happened: isModule
      ? 'a kernel module is tried in a guest, where it can harm nobody'
      : 'guests have kernel modules as targets only',
    next: 'leave --target out',
  });
}
