/** The files in which ggaoed keeps what initiators set on a device, `NAME.mac_mask` say: structures that it maps into memory. */
import { posix } from 'node:path';
import type { Host } from '../../hosts/host/host.js';
import { readIfThere } from '../../hosts/host/if-there.js';
import type { WireState } from './entry.js';

/** The first word of each, in the byte order of the host (ggaoed.h: CONFIG_MAP_MAGIC, ACL_MAP_MAGIC). */
const MAGIC = { config: 0x38a0bfae, list: 0xe92a716b };
/** Behind magic number and length. */
const CONTENT = 8;
/** A MAC address and two bytes. */
const ENTRY = 8;

/**
 * Writes the length 0 into lists, in place: one that is mapped is another in that moment, and the daemon goes on. A file that
 * is not there is none that has to be cleared.
 */
const CLEAR = `for file; do
  [ -e "$file" ] || continue
  dd if=/dev/zero of="$file" bs=4 seek=1 count=1 conv=notrunc,fsync 2>/dev/null || { echo "$file can't be written" >&2; exit 1; }
done`;

/** @param folder of the daemon @param name of the device in its configuration */
export async function readKept(host: Host, folder: string, name: string): Promise<WireState> {
  const read = (suffix: string): Promise<Buffer | undefined> =>
    readIfThere(host, posix.join(folder, `${name}.${suffix}`));
  const [config, masks, reservation] = await Promise.all([read('config'), read('mac_mask'), read('reserve')]);
  return {
    configString: keptString(config).toString('base64'),
    masks: keptMacs(masks),
    reservation: keptMacs(reservation),
  };
}

export async function clearKept(host: Host, folder: string, name: string): Promise<void> {
  const files = ['mac_mask', 'reserve'].map((suffix) => posix.join(folder, `${name}.${suffix}`));
  await host.run(['sh', '-c', CLEAR, 'sh', ...files]);
}

/** Addresses of a list; of a file that the daemon would begin anew there are none. */
export function keptMacs(bytes: Buffer = Buffer.alloc(0)): string[] {
  const length = lengthOf(bytes, MAGIC.list) ?? 0;
  const room = Math.floor((bytes.length - CONTENT) / ENTRY);
  return Array.from({ length: Math.min(length, room) }, (_, index) => {
    const start = CONTENT + index * ENTRY;
    return bytes
      .subarray(start, start + 6)
      .toString('hex')
      .replaceAll(/..(?=.)/g, '$&:');
  });
}

function keptString(bytes: Buffer = Buffer.alloc(0)): Buffer {
  return bytes.subarray(CONTENT, CONTENT + (lengthOf(bytes, MAGIC.config) ?? 0));
}

function lengthOf(bytes: Buffer, magic: number): number | undefined {
  if (bytes.length < CONTENT) return undefined;
  if (bytes.readUInt32LE(0) === magic) return bytes.readUInt32LE(4);
  return bytes.readUInt32BE(0) === magic ? bytes.readUInt32BE(4) : undefined;
}
