import { UsageError } from '../errors.js';
import type { Served } from '../target/plan.js';

/** Where a target runs: on this machine, or in a guest. */
export type Place = 'here' | 'guest';

/**
 * Where a target is tried.
 * @param wanted what it is made for otherwise
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
