import {
  ALL_SHELVES,
  ALL_SLOTS,
  AtaCommand,
  ConfigCommand,
  type Frame,
  type Mac,
  MaskCommand,
  ReserveCommand,
} from '../aoe/index.js';

/** Whom a request must name before it is carried out. */
type Naming =
  /** Anybody may be meant: it asks, and costs nothing. */
  | 'none'
  /** This shelf and slot: it costs the disk's time, or is the config string, which aoecfg sets by broadcast. */
  | 'address'
  /** This station's own address as well: it changes something. */
  | 'station';

/**
 * Whether a request names its target as exactly as what it asks for demands. One frame to all must not write the same
 * sector of every export, nor lock or rename them; queries to all are how targets are found.
 */
export function isDirected(frame: Frame, own: Mac): boolean {
  const naming = namingOf(frame);
  if (naming === 'none') return true;
  const { major, minor } = frame.header;
  if (major === ALL_SHELVES || minor === ALL_SLOTS) return false;
  return naming === 'address' || frame.ethernet.destination === own;
}

function namingOf(frame: Frame): Naming {
  switch (frame.kind) {
    case 'ata':
      return ATA[frame.ata.cmdStatus] ?? 'none';
    case 'config': {
      const { ccmd } = frame.config;
      return ccmd === ConfigCommand.set || ccmd === ConfigCommand.forceSet ? 'address' : 'none';
    }
    case 'mask':
      return frame.mask.mcmd === MaskCommand.edit ? 'station' : 'none';
    case 'reserve': {
      const { rcmd } = frame.reserve;
      return rcmd === ReserveCommand.set || rcmd === ReserveCommand.forceSet ? 'station' : 'none';
    }
    default:
      return 'none';
  }
}

const ATA: Readonly<Record<number, Naming>> = {
  [AtaCommand.writeSectors]: 'station',
  [AtaCommand.writeSectorsExt]: 'station',
  [AtaCommand.readSectors]: 'address',
  [AtaCommand.readSectorsExt]: 'address',
  [AtaCommand.verify]: 'address',
  [AtaCommand.verifyExt]: 'address',
  [AtaCommand.flushCache]: 'address',
  [AtaCommand.flushCacheExt]: 'address',
};
