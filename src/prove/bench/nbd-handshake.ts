import { LabError } from '../../base/errors.js';

/**
 * The fixed newstyle handshake of NBD (doc/proto.md of the NBD project), over calls that wait. All integers big-endian.
 *
 *     server: "NBDMAGIC" 8 · "IHAVEOPT" 8 · flags 2           client: flags 4
 *     client: "IHAVEOPT" 8 · option 4 · length 4 · data
 *     server: 0x3e889045565a9 8 · option 4 · type 4 · length 4 · data, as often as it likes, the last one of type 1
 */
const NBD_MAGIC = 'NBDMAGIC';
const OPTION_MAGIC = 'IHAVEOPT';
const FIXED_NEWSTYLE = 1;
const OPTION_GO = 7;
const REPLY_ACK = 1;
const REPLY_INFO = 3;
const REPLY_ERROR = 0x8000_0000;
const INFO_EXPORT = 0;

/** A request, 28 bytes: magic 4 · flags 2 · type 2 · cookie 8 · offset 8 · length 4. */
export const REQUEST = 28;
export const REQUEST_MAGIC = 0x25609513;
export const NbdCommand = { read: 0, write: 1 } as const;
/** A simple reply, 16 bytes: magic 4 · error 4 · cookie 8, then the data of a read without error. */
export const REPLY = 16;
export const REPLY_MAGIC = 0x67446698;

export interface Stream {
  /** Waits for exactly so many bytes. */
  read(length: number): Buffer;
  write(data: Buffer): void;
}

/**
 * Chooses an export.
 * @returns its size in bytes
 * @throws LabError if the other side speaks otherwise, or refuses
 */
export function chooseExport(stream: Stream, name: string): number {
  const tried = `asking for the export "${name}" by NBD`;
  const hello = stream.read(18);
  if (hello.toString('latin1', 0, 16) !== NBD_MAGIC + OPTION_MAGIC) {
    throw new LabError({ tried, happened: 'the server does not speak the newstyle handshake' });
  }
  if ((hello.readUInt16BE(16) & FIXED_NEWSTYLE) === 0) {
    throw new LabError({ tried, happened: 'the server does not speak the fixed newstyle handshake' });
  }
  stream.write(goRequest(name));
  for (let size = 0; ; ) {
    const head = stream.read(20);
    const type = head.readUInt32BE(12);
    const data = stream.read(head.readUInt32BE(16));
    if (type === REPLY_ACK) return size;
    if ((type & REPLY_ERROR) !== 0) {
      const text = data.length > 0 ? `: ${data.toString()}` : '';
      throw new LabError({
        tried,
        happened: `the server refuses, error 0x${(type >>> 0).toString(16)}${text}`,
      });
    }
    if (type === REPLY_INFO && data.readUInt16BE(0) === INFO_EXPORT) size = Number(data.readBigUInt64BE(2));
  }
}

/** The client's flags and the option that ends the handshake, without asking for further facts. */
function goRequest(name: string): Buffer {
  const bytes = Buffer.alloc(4 + 16 + 4 + Buffer.byteLength(name) + 2);
  bytes.writeUInt32BE(FIXED_NEWSTYLE, 0);
  bytes.write(OPTION_MAGIC, 4, 'latin1');
  bytes.writeUInt32BE(OPTION_GO, 12);
  bytes.writeUInt32BE(bytes.length - 20, 16);
  bytes.writeUInt32BE(Buffer.byteLength(name), 20);
  bytes.write(name, 24);
  return bytes;
}
