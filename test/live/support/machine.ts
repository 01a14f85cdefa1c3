/** What this machine can carry; a live test that it can't is skipped by name, with the reason in its title. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { MissingError, UnreachableError } from '../../../src/base/errors.js';
import { here } from '../../../src/hosts/host/local.js';
import { guestKernel } from '../../../src/prove/vm/index.js';
import { provide } from '../../../src/serve/exports/provide.js';

/** `AOE_LAB_LONG=1`: what takes minutes where the processor is emulated, and more of what an ordinary run has some of. */
export const LONG = process.env.AOE_LAB_LONG === '1';

/** Undefined, or that a long run is needed. */
export const ordinary = LONG ? undefined : 'takes minutes: AOE_LAB_LONG=1 has it run';

/** Of `verify`: an emulated client takes half a minute for the usual 100 MiB. */
export const FILE = LONG ? [] : ['--file-mib', '16'];

function onPath(command: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, command)));
}

/** Undefined, or why tests that make namespaces, loop devices and packet sockets can't run here. */
export function noRoot(): string | undefined {
  if (process.platform !== 'linux') return 'not Linux';
  if (process.getuid?.() !== 0) return 'needs root';
  for (const command of ['ip', 'losetup', 'lsblk', 'flock']) {
    if (!onPath(command)) return `needs ${command}`;
  }
  return existsSync('/dev/loop-control') ? undefined : 'needs loop devices';
}

/** Undefined, or why C programs can't be built here. */
export function noCompiler(): string | undefined {
  for (const command of ['gcc', 'make']) if (!onPath(command)) return `needs ${command}`;
  return undefined;
}

/** Undefined, or why there can be no VLAN interfaces here. */
export async function noVlan(): Promise<string | undefined> {
  const reason = noRoot();
  if (reason !== undefined) return reason;
  const argv = ['unshare', '--net', 'ip', 'link', 'add', 'link', 'lo', 'name', 'lo.5'];
  const { exitCode } = await here.run([...argv, 'type', 'vlan', 'id', '5'], { accept: [1, 2] });
  return exitCode === 0 ? undefined : 'the kernel has no VLAN interfaces';
}

/** vblade of this package's recipe, built where the store lacks it; or why live tests with it can't run here. */
export async function builtVblade(): Promise<{ path: string } | { reason: string }> {
  const reason = noRoot() ?? noCompiler();
  if (reason !== undefined) return { reason };
  try {
    const { artifacts } = await provide('vblade', {});
    return { path: artifacts.find(({ name }) => name === 'vblade')?.path ?? '' };
  } catch (error) {
    if (error instanceof UnreachableError) return { reason: 'the source of vblade can not be reached' };
    throw error;
  }
}

/** A tree that `AOE_LAB_SOURCES` must hold, or why it can't be had. */
export function sourceTree(name: string): { path: string } | { reason: string } {
  const folder = process.env.AOE_LAB_SOURCES;
  if (!folder) return { reason: `needs ${name} in the folder AOE_LAB_SOURCES, which is not set` };
  const path = join(folder, name);
  return existsSync(path) ? { path } : { reason: `needs ${name} in AOE_LAB_SOURCES` };
}

/** Undefined, or why guests can't run here: QEMU, or the packages that they are made of. */
export async function noGuests(): Promise<string | undefined> {
  for (const command of ['qemu-system-x86_64', 'setpriv', 'dpkg-deb']) {
    if (!onPath(command)) return `needs ${command}`;
  }
  try {
    await guestKernel('6.1');
  } catch (error) {
    if (error instanceof UnreachableError || error instanceof MissingError) {
      return `the packages of guests can not be had: ${error.facts.happened}`;
    }
    throw error;
  }
  return undefined;
}

/** `test.serial`, or a skip that says why in its title. */
export function testUnless(
  reason: string | undefined,
  title: string,
  body: (t: ExecutionContext) => Promise<void>,
): void {
  if (reason === undefined) test.serial(title, body);
  else test.skip(`${title} (skipped: ${reason})`, body);
}
