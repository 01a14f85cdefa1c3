/**
 * The native target runs from a copy of what it needs of this package, on this machine as on others: an upgrade or removal
 * of the package changes nothing of what is exported.
 */
import { createHash } from 'node:crypto';
import { cp, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { MissingError } from '../../base/errors.js';
import { cacheFolder, packageRoot, programsFolder } from '../../base/files/paths.js';
import type { Host } from '../../hosts/host/host.js';
import { here } from '../../hosts/host/local.js';
import { inRange } from '../../make/patch/condition.js';
import type { Control } from '../../make/recipe/schema.js';
import { keep } from '../../make/store/keep.js';
import type { Served } from './served.js';

/** Name of the artifact, a folder. */
const OWN_CODE = 'aoe-lab';

/** The programs of this package that serve. */
const FILES = /^(native|sqaoed)\./;
/** The package that it calls the C library by, and the part of that for this processor. */
const [LIBRARY, MACHINE_LIBRARY] = ['koffi', `@koromix/koffi-linux-${process.arch}`] as const;

/** Whether a target is part of this package. */
export function runsOwnCode(control: Control): boolean {
  return control.shape !== 'control-file' && JSON.stringify(control.run).includes('{{ownCode}}');
}

/**
 * What serves a target of this package on a host: its code as an artifact, named by its content, and the Node it runs by.
 * @throws MissingError if that host has no Node that is new enough, or another kind of processor
 */
export async function withOwnCode(host: Host, served: Served): Promise<Served> {
  // Links resolved: that of a version manager may lead elsewhere tomorrow.
  if (host.isHere) return servedByOwnCode(served, process.execPath);
  return servedByOwnCode(served, await nodeOn(host, served.implementation));
}

/**
 * The Node of another host that a target of this package runs by there.
 * @throws MissingError as `withOwnCode`
 */
export async function nodeOn(host: Host, implementation: string): Promise<string> {
  const tried = `providing ${implementation} for ${host.name}`;
  const { machine } = await host.facts();
  const own = (await here.facts()).machine;
  if (machine !== own) {
    throw new MissingError({
      tried,
      happened: `it is a ${machine}, and this machine, whose libraries would go there, a ${own}`,
      next: `install aoe-lab there and run it there, or take a target that is built there`,
      missing: [`libraries for ${machine}`],
    });
  }
  return findNode(host, tried);
}

/** The same for hosts that nobody asks: @param node its path there */
export async function servedByOwnCode(served: Served, node: string): Promise<Served> {
  const { folder, digest } = await stage();
  return { ...served, build: digest, artifacts: [{ name: OWN_CODE, path: folder }], node };
}

/** Releases of Node that this package runs on, such as `>=20.19`. */
export async function nodeRange(): Promise<string> {
  return JSON.parse(await readFile(join(packageRoot, 'package.json'), 'utf8')).engines.node;
}

async function findNode(host: Host, tried: string): Promise<string> {
  const script = 'p=$(command -v node) && "$p" --version && "$p" -p process.execPath';
  const { stdout } = await host.run(['sh', '-lc', script], { accept: [1, 127] });
  const [version = '', path] = stdout.trim().split('\n');
  if (path !== undefined && (await isNodeFor(version))) return path;
  throw new MissingError({
    tried,
    happened: path === undefined ? 'there is no node on its path' : `its node is ${version}`,
    next: `install ${await nodeWanted()} there`,
    missing: ['node'],
  });
}

/** Whether a Node runs this package. @param version as `node --version` prints it */
export async function isNodeFor(version: string): Promise<boolean> {
  return inRange(version.replace(/^v/, ''), await nodeRange());
}

/** The Node that this package needs, in words: "Node 20.19 or later". */
export async function nodeWanted(): Promise<string> {
  return `Node ${(await nodeRange()).replace('>=', '')} or later`;
}

/** Folder of compiled code in the artifact. */
export function ownCodeIn(artifactsFolder: string): string {
  return posix.join(artifactsFolder, OWN_CODE, 'dist', 'bin');
}

/** Puts the parts together in the store, once for each content. */
async function stage(): Promise<{ folder: string; digest: string }> {
  const files = (await ownFiles()).sort(([a], [b]) => (a < b ? -1 : 1));
  const digest = await contentOf(files);
  const folder = await keep(
    join(cacheFolder(), 'own', digest),
    async (at) => {
      for (const [name, path] of files) await cp(path, join(at, name));
    },
    async (there) => (await contentOf(files.map(([name]) => [name, join(there, name)]))) === digest,
  );
  return { folder, digest };
}

/** Digest of names and contents; a missing file counts as empty. */
async function contentOf(files: readonly (readonly [name: string, path: string])[]): Promise<string> {
  const hash = createHash('sha256');
  for (const [name, path] of files) {
    const content = await readFile(path).catch(() => '');
    hash.update(`${name}\0`).update(content).update('\0');
  }
  return hash.digest('hex');
}

/** Name in the staged folder → path here. */
async function ownFiles(): Promise<[string, string][]> {
  const programs = (await readdir(programsFolder)).filter((name) => FILES.test(name));
  const library = await packageFolder(LIBRARY, packageRoot);
  const libraries: [string, string][] = [
    [LIBRARY, library],
    [MACHINE_LIBRARY, await packageFolder(MACHINE_LIBRARY, library)],
  ];
  const all = [
    ...(await below(packageRoot, ['package.json', ...programs.map((name) => `dist/bin/${name}`)])),
    ...(await Promise.all(libraries.map(([name, folder]) => within(folder, `node_modules/${name}`)))).flat(),
  ];
  return all.filter(([name]) => /\.(c?js|json|node|cache)$/.test(name));
}

/** Where Node finds a package that another one needs: beside it, or beside a folder above it. */
async function packageFolder(name: string, from: string): Promise<string> {
  for (let folder = await realpath(from); ; folder = dirname(folder)) {
    const place = join(folder, 'node_modules', name);
    if ((await stat(place).catch(() => undefined)) !== undefined) return realpath(place);
    if (folder !== dirname(folder)) continue;
    throw new MissingError({
      tried: 'copying what the native target runs on',
      happened: `the package ${name} is not installed beside aoe-lab`,
      next: 'install aoe-lab again, with its optional dependencies',
      missing: [name],
    });
  }
}

/** The files of a folder, by the name that it has in the staged one. */
async function within(folder: string, as: string): Promise<[string, string][]> {
  const files = await below(folder, await readdir(folder));
  return files.map(([name, path]) => [join(as, name), path]);
}

async function below(root: string, names: readonly string[]): Promise<[string, string][]> {
  const found: [string, string][] = [];
  for (const name of names) {
    const path = join(root, name);
    const isFolder = (await stat(path)).isDirectory();
    const inside = isFolder ? await readdir(path, { recursive: true }) : [];
    const all = isFolder ? inside.map((one) => join(name, one)) : [name];
    found.push(...all.map((one): [string, string] => [one, join(root, one)]));
  }
  return found;
}
