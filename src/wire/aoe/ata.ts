/**
 * The ATA section (section 3 of the specification), 12 bytes, then whole sectors of data.
 *
 *     24      25            26      27          28         34         36
 *     +-------+-------------+-------+-----------+----------+----------+------
 *     | flags | err/feature | count | cmd/status| lba 6 LE | reserved | data
 *     +-------+-------------+-------+-----------+----------+----------+------
 *
 * Two registers have one meaning in a request and another in a response, so they bear both names. The LBA is the
 * only little-endian field of AoE. The length of the data is given nowhere: it is what follows, in whole sectors;
 * less than a sector is padding.
 */

export const ATA_DATA_OFFSET = 36;

const TWO_32 = 2 ** 32;

export interface Ata {
  /** See AtaFlag. */
  flags: number;
  /** Features in a request, the error register in a response (see AtaError). */
  errFeature: number;
  /** Sectors asked for; what a target puts here in a response differs between targets. */
  count: number;
  /** Command in a request (see AtaCommand), status in a response (see AtaStatus). */
  cmdStatus: number;
  /** All 48 bits as they stand; a 28-bit command uses the low 28. */
  lba: number;
}

/** @param bytes at least 36 of them */
export function decodeAta(bytes: Buffer): Ata {
  return {
    flags: bytes[24] as number,
    errFeature: bytes[25] as number,
    count: bytes[26] as number,
    cmdStatus: bytes[27] as number,
    lba: bytes.readUInt32LE(28) + bytes.readUInt16LE(32) * TWO_32,
  };
}

/** @throws RangeError if a field does not fit its bytes */
export function encodeAta(ata: Ata, bytes: Buffer): void {
  bytes.writeUInt8(ata.flags, 24);
  bytes.writeUInt8(ata.errFeature, 25);
  bytes.writeUInt8(ata.count, 26);
  bytes.writeUInt8(ata.cmdStatus, 27);
  bytes.writeUInt32LE(ata.lba % TWO_32, 28);
  bytes.writeUInt16LE(Math.floor(ata.lba / TWO_32), 32);
  bytes.writeUInt16LE(0, 34);
}
