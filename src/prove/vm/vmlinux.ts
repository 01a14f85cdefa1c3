/**
 * The kernel inside of a bzImage. Emulated, it takes 3 s to unpack itself; here it takes less than one, once. QEMU boots
 * such a one by its PVH entry (an ELF note), which Debian's kernels have.
 */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { digestOf } from '../../base/digest.js';
import { cacheFolder } from '../../base/files/paths.js';
import { here } from '../../hosts/host/local.js';

/** Fields of the boot protocol's header (Documentation/arch/x86/boot.rst): offsets in bytes. */
const SETUP_SECTORS = 0x1f1;
const PAYLOAD_OFFSET = 0x248;
const PAYLOAD_LENGTH = 0x24c;

/** By their first bytes. All but gzip are followed by the unpacked size, 4 bytes. */
const FORMATS: readonly { magic: Buffer; argv: readonly string[] }[] = [
  { magic: Buffer.from('fd377a585a00', 'hex'), argv: ['xz', '-dc', '--single-stream'] },
  { magic: Buffer.from('28b52ffd', 'hex'), argv: ['zstd', '-dc', '--quiet', '--long=31'] },
];
const GZIP = Buffer.from('1f8b', 'hex');

const LARGEST = 2 ** 29;

/** Path of a kernel that boots faster than the image, or of the image where there is none such. */
export async function fasterKernel(image: string): Promise<string> {
  const data = await readFile(image);
  const path = join(cacheFolder(), 'vm', `vmlinux-${digestOf(data)}`);
  if ((await here.stat(path)) !== undefined) return path;
  const kernel = await unpacked(data).catch(() => undefined);
  if (kernel === undefined || !hasPvhEntry(kernel)) return image;
  await here.write(path, kernel);
  return path;
}

async function unpacked(data: Buffer): Promise<Buffer | undefined> {
  if (data.length < PAYLOAD_LENGTH + 4 || data.toString('latin1', 0x202, 0x206) !== 'HdrS') return undefined;
  const start = (data.readUInt8(SETUP_SECTORS) + 1) * 512 + data.readUInt32LE(PAYLOAD_OFFSET);
  const payload = data.subarray(start, start + data.readUInt32LE(PAYLOAD_LENGTH));
  if (payload.indexOf(GZIP) === 0) return gunzipSync(payload, { maxOutputLength: LARGEST });
  const format = FORMATS.find(({ magic }) => payload.indexOf(magic) === 0);
  if (format === undefined) return undefined;
  return throughProgram(format.argv, payload.subarray(0, -4));
}

function throughProgram([program = '', ...words]: readonly string[], input: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = execFile(program, words, { encoding: 'buffer', maxBuffer: LARGEST }, (error, stdout) =>
      error === null ? resolve(stdout) : reject(error),
    );
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}

/** XEN_ELFNOTE_PHYS32_ENTRY (type 18) of the owner "Xen". */
export function hasPvhEntry(kernel: Buffer): boolean {
  if (kernel.toString('latin1', 0, 4) !== '\x7fELF') return false;
  return [4, 8].some((size) => {
    const note = Buffer.alloc(16);
    note.writeUInt32LE(4, 0);
    note.writeUInt32LE(size, 4);
    note.writeUInt32LE(18, 8);
    note.write('Xen\0', 12, 'latin1');
    return kernel.includes(note);
  });
}
