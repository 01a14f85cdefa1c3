/** What targets may do, as their recipes say it: docs/security.md has how it was measured. No I/O. */
import type { Capability } from '../../make/recipe/schema.js';
import type { ExportEntry } from './entry.js';

/** Of a recipe that says nothing, and of exports that an earlier version made. */
const USUAL: readonly Capability[] = ['net_raw', 'net_admin', 'dac_override', 'ipc_lock'];

/** The capabilities of the program that serves some exports. */
export function capabilitiesOf(members: readonly ExportEntry[]): readonly Capability[] {
  const control = members[0]?.control;
  if (control === undefined || control.shape === 'control-file') return [];
  const { shape, capabilities = USUAL } = control;
  // A daemon is told of other files while it runs.
  const overrides = shape === 'daemon' || members.some(isClosed);
  return capabilities.filter((name) => overrides || name !== 'dac_override');
}

/** Whether root comes to what its target opens only against the modes on the way; so it is where that was not recorded. */
function isClosed({ backing: { closed = true, loop } }: ExportEntry): boolean {
  return closed && !loop;
}
