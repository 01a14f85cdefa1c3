import { UsageError } from '../../../base/errors.js';
import type { Control } from '../../../make/recipe/schema.js';
import type { EntryStore, StateFolder } from '../entry.js';

/** Emptied at a boot, or of old files at any time. */
const FLEETING = /^\/(?:tmp|var\/tmp|run|var\/run|dev\/shm)\//;
/** What systemd's ProtectSystem=full keeps a daemon's unit from writing to. */
const PROTECTED = /^\/(?:usr|boot|efi|etc)\//;

/** What of an export a reboot would take away, or its unit may not write to. No I/O. */
export function fleetingFaults(state: StateFolder, control: Control, path: string): string[] {
  const faults = [path, `${state.folder}/`]
    .filter((one) => FLEETING.test(one))
    .map((one) => `${one} does not survive a reboot, or not for long`);
  if (control.shape === 'daemon' && PROTECTED.test(path)) {
    faults.push(`the unit of a daemon may not write to ${path}`);
  }
  return faults;
}

/**
 * Refuses to persist what a reboot takes away, and what could not be brought back.
 * @throws UsageError
 */
export async function refuseFleeting(store: EntryStore, control: Control, path: string): Promise<void> {
  const faults = fleetingFaults(store, control, path);
  if ((await store.host.facts()).uid !== 0) faults.push('only root can have something started at boot');
  if (faults.length === 0) return;
  throw new UsageError({
    tried: `exporting ${path} so that it comes back after a reboot`,
    happened: faults,
    next: ['take another place, such as /srv', 'or leave --persist out'],
  });
}
