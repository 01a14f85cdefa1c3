/** What a user wants exported, checked as far as that goes without touching a host. */

import { UsageError } from '../../base/errors.js';
import type { Control, OptionName } from '../../make/recipe/schema.js';
import { LAST_SHELF, LAST_SLOT } from '../../wire/aoe/index.js';
import type { MadeFile } from '../storage/files.js';
import type { FindingKind } from '../storage/findings.js';
import type { ExportOptions, RestartPolicy } from './entry.js';

export interface ExportSpec {
  shelf: number;
  slot: number;
  iface: string;
  /** Named network namespace of the interface. */
  netns?: string;
  /** File or block device on the host; a relative one is looked for in the working folder there. */
  path: string;
  /** Bytes; a missing file is made with it. */
  size?: number;
  /** Put a loop device between file and target even where it takes files. */
  loop?: boolean;
  /** What may speak against it and is overridden; `true`: whatever is found. */
  allow?: true | readonly FindingKind[];
  /** Start its process again when it fails. */
  restart?: RestartPolicy;
  /** Name of the lab that it is made for. */
  lab?: string;
  /** The file that an export made which this one takes the place of. */
  made?: MadeFile;
  /** The test that it is made for, by its name (see trial.ts). */
  trial?: string;
  /** Its log goes with it, as that of an export for a test does. Default: it stays, unless it belongs to a trial. */
  keepLog?: false;
  /** Have it brought back after a reboot. */
  persist?: boolean;
  options: ExportOptions;
}

export const OPTION_FLAGS: Readonly<Record<OptionName, string>> = {
  readOnly: '--read-only',
  macs: '--mac',
  queueLength: '--queue-length',
  directIo: '--direct-io',
  sync: '--sync',
  bufferCount: '--buffer-count',
  offset: '--offset',
  length: '--length',
  broadcast: '--broadcast',
  lockAccess: '--lock-access',
};

/** Options as the words of `export`: `--read-only --mac 00:11:22:33:44:55`. */
export function optionWords(options: ExportOptions): string[] {
  return (Object.keys(OPTION_FLAGS) as OptionName[]).flatMap((name) => {
    const [flag, value] = [OPTION_FLAGS[name], options[name]];
    if (value === false) return name === 'lockAccess' ? ['--no-lock-access'] : [];
    if (value === undefined) return [];
    if (value === true) return [flag];
    return [value].flat().flatMap((one) => [flag, String(one)]);
  });
}

/** The options of an export that is made: one for listed initiators alone lets none of them change who they are. */
export function withDefaults(options: ExportOptions, control: Control): ExportOptions {
  const isListed = (options.macs ?? []).length > 0;
  if (!isListed || options.lockAccess !== undefined || control.options.lockAccess === undefined)
    return options;
  return { ...options, lockAccess: true };
}

/**
 * Checks a spec against what the target can do. Which names it can be told is another question (`refuseUnspeakable`): those of
 * a spec may be other names of what it is told in the end.
 * @throws UsageError with every fault, and for each option a target lacks its flag, or its field in a lab's file
 */
export function checkSpec(implementation: string, release: string, control: Control, spec: ExportSpec): void {
  // Who writes a file knows fields, not flags.
  const called = (name: OptionName): string => (spec.lab === undefined ? OPTION_FLAGS[name] : name);
  const flag = spec.lab === undefined ? '--' : '';
  const faults: string[] = [];
  if (!inRange(spec.shelf, 0, LAST_SHELF)) faults.push(`shelf ${spec.shelf} is not in 0…${LAST_SHELF}`);
  if (!inRange(spec.slot, 0, LAST_SLOT)) faults.push(`slot ${spec.slot} is not in 0…${LAST_SLOT}`);
  if (control.shape === 'control-file' && spec.netns !== undefined) {
    faults.push(
      `${flag}netns ${spec.netns}: a kernel module serves interfaces of the host's own namespace only`,
    );
  }
  if (control.shape === 'control-file' && spec.restart !== undefined) {
    faults.push(`${flag}restart ${spec.restart}: a kernel module has no process that could end`);
  }
  if (spec.persist && spec.netns !== undefined) {
    faults.push(
      `${flag}persist: the namespace ${spec.netns} does not survive a reboot; who makes it anew has to export`,
    );
  }
  const lacking: string[] = [];
  for (const name of Object.keys(OPTION_FLAGS) as OptionName[]) {
    const value = spec.options[name];
    if (value === undefined || value === false) continue;
    const known = control.options[name];
    if (known === undefined) {
      lacking.push(called(name));
      continue;
    }
    const amount = Array.isArray(value) ? value.length : value;
    if (typeof amount !== 'number') continue;
    const { min = 0, max = Number.MAX_SAFE_INTEGER, why } = known;
    const reason = why === undefined ? '' : `: ${why}`;
    if (!inRange(amount, min, max))
      faults.push(`${called(name)}: ${amount} is not in ${min}…${max}${reason}`);
    if (known.powerOfTwo && !Number.isInteger(Math.log2(amount)))
      faults.push(`${called(name)}: ${amount} is no power of two`);
  }
  if (lacking.length > 0) {
    faults.push(`${implementation} ${release} has no ${lacking.join(', ')}`);
  }
  if (faults.length === 0) return;
  const has = (Object.keys(control.options) as OptionName[]).map(called);
  throw new UsageError({
    tried: `exporting e${spec.shelf}.${spec.slot} by ${implementation} ${release}`,
    happened: faults,
    next:
      lacking.length > 0
        ? [
            has.length > 0
              ? `leave it out; ${implementation} ${release} has ${has.join(', ')}`
              : 'leave it out',
            '`aoe-lab info IMPL` shows what the other targets have',
          ]
        : 'correct the values',
  });
}

function inRange(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max;
}
