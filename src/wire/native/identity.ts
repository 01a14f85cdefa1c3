import { encodeIdentify, LBA28_SECTORS } from '../aoe/index.js';

/** What the device calls itself. */
export const MODEL = 'aoe-lab native target';
const FIRMWARE_REVISION = '1';

/** The block that IDENTIFY DEVICE returns. */
export function identifyBlock({ serial, sectors }: { serial: string; sectors: number }): Buffer {
  return encodeIdentify({
    model: MODEL,
    serial,
    firmwareRevision: FIRMWARE_REVISION,
    lba48: true,
    lba28Sectors: Math.min(sectors, LBA28_SECTORS),
    lba48Sectors: sectors,
    flush: true,
    flushExt: true,
  });
}
