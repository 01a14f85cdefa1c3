/** What initiators set on a target, read from one target and set on the one that takes its place. */

import { LabError } from '../../base/errors.js';
import type { InterfaceFacts } from '../../hosts/host/interface-facts.js';
import { AoeError, ConfigCommand, formatMac, type Mac, parseMac } from '../../wire/aoe/index.js';
import { AoeAnswerError, NoAnswerError } from '../../wire/initiator/faults.js';
import { Target } from '../../wire/initiator/target.js';
import type { Link } from '../../wire/link/link.js';
import type { ExportEntry, WireState } from './entry.js';

/** Milliseconds; whoever is asked is there, or just starting, maybe on a busy machine. */
const TIMEOUT = 5000;
/** Milliseconds, at least, for an answer to a command that a target may not know: then it says nothing. */
const LEAST_TIMEOUT = 400;
/** How often it is asked; and how much longer than an answer to what every target knows that may take. */
const ROUNDS = 3;
const PATIENCE = 5;

/** A session with the target of an entry, which need not be identified (others may have reserved it). */
export function sessionWith(
  link: Link,
  entry: ExportEntry,
  iface: InterfaceFacts,
  timeout = TIMEOUT,
): Target {
  const { shelf, slot } = entry;
  const config = { bufferCount: 1, firmware: 0, maxSectors: 0, aoeVersion: 1, configString: Buffer.alloc(0) };
  return new Target(link, { shelf, slot }, parseMac(iface.mac) ?? 0, config, { timeout });
}

/**
 * Reads config string, mask list and reservation; a target that lacks the latter two has none.
 * @throws NoAnswerError if it does not answer at all
 */
export async function readWireState(
  link: Link,
  entry: ExportEntry,
  iface: InterfaceFacts,
): Promise<WireState> {
  const target = sessionWith(link, entry, iface);
  const config = await target.queryConfig();
  const open = (timeout?: number): Target => sessionWith(link, entry, iface, timeout);
  const masks = await orNone(open, (one) => one.access.maskList());
  const reservation = await orNone(open, (one) => one.access.reservation());
  return {
    configString: (config?.configString ?? Buffer.alloc(0)).toString('base64'),
    // Targets with one list for both show the access list as masks.
    masks: sameAddresses(masks, entry.options.macs ?? []) ? [] : masks,
    reservation,
  };
}

/**
 * Sets what differs, the reservation last: it may shut out whoever sets it.
 * @throws LabError if the target does not have it afterwards
 */
export async function restoreWireState(
  link: Link,
  entry: ExportEntry,
  iface: InterfaceFacts,
  wanted: WireState,
): Promise<void> {
  const now = await readWireState(link, entry, iface);
  const target = sessionWith(link, entry, iface);
  if (now.configString !== wanted.configString) {
    const string = Buffer.from(wanted.configString, 'base64');
    await target.queryConfig({ ccmd: ConfigCommand.forceSet, string });
  }
  if (!sameAddresses(now.masks, wanted.masks)) {
    const add = wanted.masks.filter((mac) => !now.masks.includes(mac)).map(toMac);
    const remove = now.masks.filter((mac) => !wanted.masks.includes(mac)).map(toMac);
    await target.access.editMasks({ add, remove });
  }
  if (!sameAddresses(now.reservation, wanted.reservation)) {
    await target.access.reserve(wanted.reservation.map(toMac), { force: true });
  }
  const lacking = differences(await readWireState(link, entry, iface), wanted);
  if (lacking.length === 0) return;
  throw new LabError({
    tried: `setting what initiators had set on e${entry.shelf}.${entry.slot}`,
    happened: `${entry.implementation} ${entry.release} has another ${lacking.join(', ')} afterwards`,
  });
}

function differences(a: WireState, b: WireState): string[] {
  return [
    ...(a.configString === b.configString ? [] : ['config string']),
    ...(sameAddresses(a.masks, b.masks) ? [] : ['MAC mask list']),
    ...(sameAddresses(a.reservation, b.reservation) ? [] : ['reservation']),
  ];
}

/** A target that answers another command meanwhile, time and again, does not know this one: it is not just slow. */
async function orNone(
  open: (timeout?: number) => Target,
  ask: (target: Target) => Promise<Mac[]>,
): Promise<string[]> {
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now();
    await open().queryConfig();
    const trip = performance.now() - started;
    try {
      return (await ask(open(Math.max(LEAST_TIMEOUT, PATIENCE * trip)))).map(formatMac);
    } catch (error) {
      if (error instanceof AoeAnswerError && error.code === AoeError.unrecognisedCommand) return [];
      if (!(error instanceof NoAnswerError)) throw error;
    }
  }
  return [];
}

function sameAddresses(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && new Set([...a, ...b]).size === new Set(a).size;
}

function toMac(text: string): Mac {
  const mac = parseMac(text);
  if (mac === undefined) throw new TypeError(`${text} is no MAC address`);
  return mac;
}
