/** Steps that live tests share: arguments of commands on a test's wire, and what must be left of them. */
import { chmod, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { here } from '../../../src/hosts/host/local.js';
import { findProcesses } from '../../../src/serve/exports/processes.js';
import type { Discovered } from '../../../src/wire/initiator/discover.js';
import type { TestWire } from './wire.js';

export type Found = Discovered;

/** `export` of e0.SLOT on the target's end, from the file `diskSLOT` in the test's folder. */
export function exportOn(wire: TestWire, implementation: string, slot: number, ...more: string[]): string[] {
  const place = ['--iface', wire.target, '--netns', wire.netns];
  const file = ['--file', join(wire.folder, `disk${slot}`)];
  return [
    'export',
    '--impl',
    implementation,
    '--shelf',
    '0',
    '--slot',
    String(slot),
    ...place,
    ...file,
    ...more,
  ];
}

/** A folder in which everybody may exchange files. */
export async function folderOfAll(wire: TestWire): Promise<string> {
  const folder = join(wire.folder, 'all');
  await mkdir(folder);
  await chmod(folder, 0o777);
  return folder;
}

/** The interface of the initiator's end, as options. */
export function askFrom(wire: TestWire): string[] {
  return ['--iface', wire.initiator, '--netns', wire.netns];
}

export function discoverOn(wire: TestWire): string[] {
  return ['discover', ...askFrom(wire)];
}

/** Asserts that nothing of a state folder is left but logs: no process, no entry, no copy of a binary. */
export async function assertNothingLeft(t: ExecutionContext, wire: TestWire): Promise<void> {
  const state = wire.env.AOE_LAB_STATE as string;
  t.deepEqual([...(await findProcesses(here, state))], []);
  const names = await readdir(state, { recursive: true, withFileTypes: true });
  t.deepEqual(
    names.map(({ name }) => name).filter((name) => name !== 'logs' && !name.endsWith('.log')),
    [],
  );
}

/** Ends targets as a crash would, and returns once they are gone. */
export async function killAll(pids: readonly number[]): Promise<void> {
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  for (const pid of pids) while (await here.stat(`/proc/${pid}`)) await sleep(5);
}
