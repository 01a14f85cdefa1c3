import type { Mac } from '../aoe/index.js';
import type { Port } from './reaction.js';

/** All who were not heard before: who takes a new address for each frame is never anybody else. */
export const STRANGERS: Mac = -1;

/** Whose account what a station asks for goes to: its own, or that of all strangers. */
export type AccountOf = (source: Mac) => Mac;

export function accountsAt(port: Port): AccountOf {
  return (source) => ((port.isFamiliar?.(source) ?? true) ? source : STRANGERS);
}
