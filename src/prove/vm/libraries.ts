/** Programs of an unpacked Debian tree together with the libraries they load, as files of a guest. */
import { readdir, readFile, realpath } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { here } from '../../hosts/host/local.js';
import { type CpioEntry, file } from './cpio.js';

const TRIPLET = 'x86_64-linux-gnu';
const LOADER = 'ld-linux-x86-64.so.2';

/**
 * The libraries of programs: the tree's own dynamic loader lists them, nothing of this machine's is looked at.
 * @param programs paths in the tree
 */
export async function librariesOf(tree: string, programs: readonly string[]): Promise<CpioEntry[]> {
  const folders = [`usr/lib/${TRIPLET}`, `lib/${TRIPLET}`].map((path) => join(tree, path));
  const loader = await loaderOf(folders);
  // Libraries that lie apart (such as ceph's) are found by the path that is built into those that need them.
  const below = await Promise.all(folders.map(subfolders));
  const search = [...folders, ...below.flat()].join(':');
  const found = new Map<string, string>([[LOADER, loader]]);
  for (const program of programs) {
    const argv = [loader, '--inhibit-cache', '--library-path', search, '--list', join(tree, program)];
    const { stdout } = await here.run(argv);
    for (const [, name = '', path = ''] of stdout.matchAll(/^\s*(\S+) => (\/\S+)/gm)) {
      found.set(basename(name), basename(name) === LOADER ? loader : path);
    }
  }
  const entries: CpioEntry[] = [];
  for (const [name, path] of found) {
    const place = name === LOADER ? 'lib64' : `lib/${TRIPLET}`;
    entries.push(file(`${place}/${name}`, await readFile(path), 0o755));
  }
  return entries;
}

async function loaderOf(folders: readonly string[]): Promise<string> {
  for (const folder of folders) {
    const path = await realpath(join(folder, LOADER)).catch(() => undefined);
    if (path !== undefined) return path;
  }
  throw new Error(`the packages of the guest hold no ${LOADER}`);
}

async function subfolders(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(folder, entry.name));
}
