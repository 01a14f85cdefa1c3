import { parseJson } from '../../base/json.js';
import { formatMac, MAX_CONFIG_STRING, type Mac, parseMac } from '../aoe/index.js';

/** What initiators set on a target, and what outlives its process. Never changed in place. */
export interface TargetState {
  /** At most 1,024 bytes; empty if none was set. */
  readonly configString: Buffer;
  /** Who may speak to the target at all; empty: everybody. In the order in which they were added. */
  readonly masks: readonly Mac[];
  /** Who has reserved it; empty: nobody. */
  readonly reservation: readonly Mac[];
  /** The last order to clear masks and reservation that was carried out (see `withoutLimits`). */
  readonly cleared?: string;
}

export const NO_STATE: TargetState = { configString: Buffer.alloc(0), masks: [], reservation: [] };

/** Most entries of the mask list: as many as an answer on an MTU of 1500 bytes holds. */
export const MAX_MASKS = 185;

/** Whether two lists have the same addresses in the same order. */
export function sameMacs(a: readonly Mac[], b: readonly Mac[]): boolean {
  return a.length === b.length && a.every((mac, index) => mac === b[index]);
}

/** What is left of a state when whoever runs the target has its mask list and reservation cleared. @param order a name that no earlier one had */
export function withoutLimits({ configString }: TargetState, order: string): TargetState {
  return { configString, masks: [], reservation: [], cleared: order };
}

/** A JSON document, one line. */
export function encodeState(state: TargetState): string {
  return `${JSON.stringify({
    format: 1,
    configString: state.configString.toString('base64'),
    masks: state.masks.map(formatMac),
    reservation: state.reservation.map(formatMac),
    cleared: state.cleared,
  })}\n`;
}

/** @throws SyntaxError if `text` is nothing that `encodeState` writes */
export function decodeState(text: string): TargetState {
  const value = parseJson(text) as Record<string, unknown>;
  if (value === null || typeof value !== 'object' || value.format !== 1) {
    throw new SyntaxError('it is no state of format 1');
  }
  const configString = Buffer.from(String(value.configString ?? ''), 'base64');
  if (configString.length > MAX_CONFIG_STRING) throw new SyntaxError('its config string is too long');
  return {
    configString,
    masks: macs(value.masks),
    reservation: macs(value.reservation),
    ...(typeof value.cleared === 'string' ? { cleared: value.cleared } : {}),
  };
}

function macs(value: unknown): Mac[] {
  if (!Array.isArray(value)) throw new SyntaxError('a list of addresses is missing');
  return value.map((text) => {
    const mac = parseMac(String(text));
    if (mac === undefined) throw new SyntaxError(`"${String(text)}" is no MAC address`);
    return mac;
  });
}
