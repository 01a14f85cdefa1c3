/** What initiators set on a target, read from one target and set on the one that takes its place. */
import { AoeError, ConfigCommand, formatMac, type Mac, parseMac } from '../aoe/index.js';
import { LabError } from '../errors.js';
import type { InterfaceFacts } from '../host/interface.js';
import { AoeAnswerError, NoAnswerError } from '../initiator/faults.js';
import { Target } from '../initiator/target.js';
import type { Link } from '../link/link.js';
import type { ExportEntry, WireState } from './entry.js';

/** Milliseconds; whoever is asked is there, or just starting. */
const TIMEOUT = 2000;
/** Of a target that does not know a command and says nothing. */
const UNKNOWN_TIMEOUT = 400;

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
  const { access } = sessionWith(link, entry, iface, UNKNOWN_TIMEOUT);
  const masks = await orNone(access.maskList());
  const reservation = await orNone(access.reservation());
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
  wished: WireState,
): Promise<void> {
  const now = await readWireState(link, entry, iface);
  const target = sessionWith(link, entry, iface);
  if (now.configString !== wished.configString) {
    const string = Buffer.from(wished.configString, 'base64');
    await target.queryConfig({ ccmd: ConfigCommand.forceSet, string });
  }
  if (!sameAddresses(now.masks, wished.masks)) {
    const add = wished.masks.filter((mac) => !now.masks.includes(mac)).map(toMac);
    const remove = now.masks.filter((mac) => !wished.masks.includes(mac)).map(toMac);
    await target.access.editMasks({ add, remove });
  }
  if (!sameAddresses(now.reservation, wished.reservation)) {
    await target.access.reserve(wished.reservation.map(toMac), { force: true });
  }
  const lacking = differences(await readWireState(link, entry, iface), wished);
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

async function orNone(list: Promise<Mac[]>): Promise<string[]> {
  try {
    return (await list).map(formatMac);
  } catch (error) {
    const isUnknown = error instanceof AoeAnswerError && error.code === AoeError.unrecognisedCommand;
    if (isUnknown || error instanceof NoAnswerError) return [];
    throw error;
  }
}

function sameAddresses(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && new Set([...a, ...b]).size === new Set(a).size;
}

function toMac(text: string): Mac {
  const mac = parseMac(text);
  if (mac === undefined) throw new TypeError(`${text} is no MAC address`);
  return mac;
}
