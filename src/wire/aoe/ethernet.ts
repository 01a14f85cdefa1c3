/**
 * The Ethernet header in front of every AoE frame.
 *
 *     0        6       12
 *     +--------+--------+--------+
 *     | dst 6  | src 6  | type 2 |   type = 0x88A2
 *     +--------+--------+--------+
 *
 * A MAC address is held as a number below 2^48 (first byte on the wire the most significant): it is compared by
 * `===`, serves as the key of a Map or Set, and costs no allocation for each frame.
 */

export type Mac = number;

/** EtherType of AoE. */
export const ETHERTYPE_AOE = 0x88a2;
/** Bytes of the header. */
export const ETHERNET_HEADER = 14;
/** Least bytes of a frame on the wire, without its check sequence; shorter ones are padded with zeros. */
export const MIN_FRAME = 60;
export const BROADCAST: Mac = 0xffff_ffff_ffff;

const TWO_32 = 2 ** 32;
const GROUP_BIT = 0x0100_0000_0000;

export interface EthernetHeader {
  destination: Mac;
  source: Mac;
}

/** @throws RangeError if there are not 6 bytes at `offset` */
export function readMac(bytes: Buffer, offset: number): Mac {
  return bytes.readUInt16BE(offset) * TWO_32 + bytes.readUInt32BE(offset + 2);
}

/** @throws RangeError if `mac` is not below 2^48 or there are not 6 bytes at `offset` */
export function writeMac(mac: Mac, bytes: Buffer, offset: number): void {
  bytes.writeUInt16BE(Math.floor(mac / TWO_32), offset);
  bytes.writeUInt32BE(mac % TWO_32, offset + 2);
}

/** @param bytes at least 14 of them; the EtherType is left to the caller */
export function decodeEthernet(bytes: Buffer): EthernetHeader {
  return { destination: readMac(bytes, 0), source: readMac(bytes, 6) };
}

/** Writes the 14 bytes at the start of `bytes`. */
export function encodeEthernet(header: EthernetHeader, bytes: Buffer): void {
  writeMac(header.destination, bytes, 0);
  writeMac(header.source, bytes, 6);
  bytes.writeUInt16BE(ETHERTYPE_AOE, 12);
}

/** "02:00:00:00:00:01" */
export function formatMac(mac: Mac): string {
  return mac
    .toString(16)
    .padStart(12, '0')
    .replace(/..(?=.)/g, '$&:');
}

/** Reads six bytes in hex, divided by ":" or "-" or by nothing; undefined if it is no MAC address. */
export function parseMac(text: string): Mac | undefined {
  if (!/^([0-9a-f]{2}([:-]?))([0-9a-f]{2}\2){4}[0-9a-f]{2}$/i.test(text)) return undefined;
  return Number.parseInt(text.replace(/[:-]/g, ''), 16);
}

/** Whether an address is that of a group: the first bit on the wire marks it (IEEE 802). */
export function isGroup(mac: Mac): boolean {
  return Math.floor(mac / GROUP_BIT) % 2 === 1;
}

/** Why no station sends from an address; undefined if one may. */
export function unusableAsSource(mac: Mac): string | undefined {
  if (mac === 0) return 'no station has the address of zeros';
  if (mac === BROADCAST) return 'that is the broadcast address, which no station has';
  if (isGroup(mac)) return 'that is the address of a group, which no station has';
  return undefined;
}
