import { type AtaFrame, AtaStatus, HeaderFlag } from '../aoe/index.js';

const FLAGS = 24;
const LBA_LOW = 28;
const LBA_HIGH = 32;
const TWO_32 = 2 ** 32;

/**
 * Whether an ATA answer repeats of its request what this target repeats. The registers of an answer are the device's
 * (section 3 of the specification): software targets leave the LBA as it was asked for, hardware may not. So the first
 * answers show what it does, and the later ones have to do the same.
 */
export class Echo {
  #repeatsLba: boolean | undefined;

  /** @param request the frame that was sent */
  fits(request: Buffer, { header, ata }: AtaFrame): boolean {
    // An error may tell the sector that failed.
    if (header.flags & HeaderFlag.error || ata.cmdStatus & AtaStatus.error) return true;
    const asked = request.readUInt32LE(LBA_LOW) + request.readUInt16LE(LBA_HIGH) * TWO_32;
    const isSame = ata.lba === asked && ata.flags === request[FLAGS];
    if (this.#repeatsLba === undefined && asked !== 0) this.#repeatsLba = isSame;
    return isSame || !this.#repeatsLba;
  }
}
