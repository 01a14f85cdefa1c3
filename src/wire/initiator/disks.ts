import type { LabError } from '../../base/errors.js';
import { formatMac, type Identify, identifiedSectors, type Mac } from '../aoe/index.js';
import type { Link } from '../link/link.js';
import type { TargetConfig } from './config.js';

/** Who answered for an address, and with what disk. */
export interface Station {
  link: Link;
  shelf: number;
  slot: number;
  mac: Mac;
  /** Undefined if its answer can't be read, or is an error. */
  config: TargetConfig | undefined;
  /** Undefined if it was not asked for, or did not come. */
  identity: Identify | undefined;
  /** Why configuration or identity are missing. */
  fault: LabError | undefined;
}

/**
 * Sorts stations by the disk behind them: those of one group are paths to the same disk (address, model, serial number
 * and size are equal). One that did not tell its disk is a group of its own, and so is one without a serial number.
 */
export function distinctDisks(stations: readonly Station[]): Station[][] {
  const disks: Station[][] = [];
  for (const station of stations) {
    const disk = disks.find(([other]) => isSameDisk(other as Station, station));
    if (disk) disk.push(station);
    else disks.push([station]);
  }
  return disks;
}

function isSameDisk(a: Station, b: Station): boolean {
  if (a.shelf !== b.shelf || a.slot !== b.slot) return false;
  if (a.identity === undefined || b.identity === undefined) return false;
  if (!isSameIdentity(a.identity, b.identity)) return false;
  return a.identity.serial !== '' || a.mac === b.mac;
}

/** Whether two identities can be those of one disk; its firmware may have been updated. */
export function isSameIdentity(one: Identify, other: Identify): boolean {
  return (
    one.model === other.model &&
    one.serial === other.serial &&
    identifiedSectors(one) === identifiedSectors(other)
  );
}

/** "02:00:00:00:00:01 on eth0: "model" with serial "X" and 8192 sectors" */
export function describeStation({ link, mac, identity, fault }: Station): string {
  const disk = identity ? describeIdentity(identity) : (fault?.facts.happened ?? 'not identified');
  return `${formatMac(mac)} on ${link.name}: ${disk}`;
}

/** ""model" with serial "X" and 8192 sectors" */
export function describeIdentity(identity: Identify | undefined): string {
  if (identity === undefined) return 'one without an identity';
  return `"${identity.model}" with serial "${identity.serial}" and ${identifiedSectors(identity)} sectors`;
}
