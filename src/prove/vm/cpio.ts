/**
 * Archives that a Linux kernel unpacks as its first root: cpio, "newc" (Documentation/driver-api/early-userspace/buffer-format.rst
 * in the kernel's source). Several may follow each other in one file. No I/O.
 */

export interface CpioEntry {
  /** Without a leading slash. */
  path: string;
  /** With the type's bits: 0o100755 a file, 0o120777 a link, 0o40755 a folder, 0o20600 a character device. */
  mode: number;
  data?: Uint8Array;
  /** Of a device: major and minor. */
  device?: readonly [number, number];
}

const FILE = 0o100000;
const LINK = 0o120777;
const FOLDER = 0o40755;

export function file(path: string, data: string | Uint8Array, mode = 0o644): CpioEntry {
  return { path, mode: FILE | mode, data: Buffer.from(data) };
}

export function link(path: string, target: string): CpioEntry {
  return { path, mode: LINK, data: Buffer.from(target) };
}

/** One archive, with the folders that its entries lie in before them; of entries of one path the last counts. */
export function cpio(entries: readonly CpioEntry[]): Buffer {
  const all = new Map<string, CpioEntry>();
  for (const entry of entries) {
    const parts = entry.path.split('/');
    for (let depth = 1; depth < parts.length; depth++) {
      const path = parts.slice(0, depth).join('/');
      if (!all.has(path)) all.set(path, { path, mode: FOLDER });
    }
    all.set(entry.path, entry);
  }
  const records = [...all.values()].map((entry, index) => record(entry, index + 1));
  return Buffer.concat([...records, record({ path: 'TRAILER!!!', mode: 0 }, 0)]);
}

function record({ path, mode, data = Buffer.alloc(0), device = [0, 0] }: CpioEntry, inode: number): Buffer {
  const name = Buffer.from(`${path}\0`);
  const fields = [inode, mode, 0, 0, 1, 0, data.length, 0, 0, ...device, name.length, 0];
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`;
  return Buffer.concat([padded(Buffer.concat([Buffer.from(header), name])), padded(data)]);
}

function padded(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}
