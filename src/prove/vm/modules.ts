/** Which modules of a kernel a guest loads, in which order. */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { UsageError } from '../../base/errors.js';
import type { GuestKernel } from './kernel.js';

/** Loaded in every guest. Those marked are built in, or gone, in some kernels. */
const BASE: readonly string[] = [
  ...['virtio_pci', 'virtio_net', 'virtio_blk', 'virtio_rng', 'af_packet'],
  ...['crc32c_generic', 'ext4', 'loop'],
];

/** At hand in every guest, loaded when asked for: the driver asks the wire for targets as it starts. */
const AT_HAND: readonly string[] = ['aoe'];

/** What no `depends` names although the module asks for it by another way (ext4 and jbd2: a crc32c of the crypto API). */
const OPTIONAL = new Set([...BASE, ...AT_HAND]);

export interface ModuleFile {
  name: string;
  /** Whether the guest loads it when it boots. */
  loaded: boolean;
  data: Buffer;
}

/**
 * The modules that a guest needs, each after those it depends on.
 * @param extra names beyond the usual
 * @throws UsageError if one of `extra` is neither a module of the kernel nor built in
 */
export async function modulesFor(kernel: GuestKernel, extra: readonly string[]): Promise<ModuleFile[]> {
  if (kernel.modules === undefined) return [];
  const files = await moduleFiles(join(kernel.modules, 'kernel'));
  const builtIn = new Set(
    (await readFile(join(kernel.modules, 'modules.builtin'), 'utf8').catch(() => ''))
      .split('\n')
      .map((path) => moduleName(path)),
  );
  const loaded = new Map<string, ModuleFile>();
  const load = async (name: string, atBoot: boolean): Promise<void> => {
    const known = loaded.get(name);
    if (known !== undefined) {
      known.loaded ||= atBoot;
      return;
    }
    const path = files.get(name);
    if (path === undefined) {
      if (builtIn.has(name) || OPTIONAL.has(name)) return;
      throw new UsageError({
        tried: `taking the module ${name} of the kernel ${kernel.name} for a guest`,
        happened: 'there is none of that name',
        next: 'look at the spelling, or build it',
      });
    }
    const data = await moduleData(path);
    for (const other of dependsOf(data)) await load(other, true);
    loaded.set(name, { name, loaded: atBoot, data });
  };
  for (const name of [...BASE, ...extra.map((one) => one.replaceAll('-', '_'))]) await load(name, true);
  for (const name of AT_HAND) await load(name, false);
  return [...loaded.values()];
}

async function moduleFiles(folder: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (/\.ko(\.\w+)?$/.test(entry.name))
      found.set(moduleName(entry.name), join(entry.parentPath, entry.name));
  }
  return found;
}

/** `kernel/net/core/failover.ko.xz` → `failover`; dashes and underscores are the same. */
function moduleName(path: string): string {
  return basename(path)
    .replace(/\.ko(\.\w+)?$/, '')
    .replaceAll('-', '_');
}

const PROGRAMS: Readonly<Record<string, string>> = { xz: 'xz', zst: 'zstd' };

/** insmod of busybox takes no compressed ones. */
async function moduleData(path: string): Promise<Buffer> {
  const ending = /\.ko\.(\w+)$/.exec(path)?.[1];
  if (ending === undefined) return readFile(path);
  if (ending === 'gz') return gunzipSync(await readFile(path));
  const { stdout } = await promisify(execFile)(PROGRAMS[ending] ?? ending, ['-dc', path], {
    encoding: 'buffer',
    maxBuffer: 2 ** 28,
  });
  return stdout;
}

/** The names in a module's `depends=` (section .modinfo: texts ended by NUL). */
export function dependsOf(data: Buffer): string[] {
  const start = data.indexOf('\0depends=');
  if (start < 0) return [];
  const from = start + '\0depends='.length;
  const text = data.toString('latin1', from, data.indexOf(0, from));
  return text
    .split(',')
    .filter((name) => name !== '')
    .map((name) => name.replaceAll('-', '_'));
}
