/** QEMU as a process: started, watched until its guest is ready. */
import { type ChildProcess, spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LabError, linesOf, MissingError } from '../../base/errors.js';
import { QEMU } from './qemu.js';
import { type GuestRecord, serialPath } from './registry.js';
import { kernelTrouble } from './trouble.js';

const POLL = 50;

/** A guest that ended or hung before it was ready. */
export class BootError extends LabError {}

/**
 * Starts QEMU. Unless its guest is to stay, the kernel ends it when this process ends, however that comes about.
 * @throws MissingError if there is no QEMU here
 */
export async function startQemu(
  argv: readonly string[],
  folder: string,
  stays: boolean,
): Promise<ChildProcess> {
  const log = await open(join(folder, 'qemu.log'), 'a');
  try {
    const full = stays ? argv : ['setpriv', '--pdeathsig', 'KILL', ...argv];
    const child = spawn(full[0] as string, full.slice(1), {
      detached: stays,
      stdio: ['ignore', log.fd, log.fd],
      cwd: '/',
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', () => reject(missing(full[0] as string)));
    });
    child.unref();
    return child;
  } finally {
    await log.close();
  }
}

function missing(program: string): MissingError {
  return new MissingError({
    tried: 'starting a guest',
    happened: `there is no ${program} here`,
    next: `apt-get install ${program === QEMU ? 'qemu-system-x86' : 'util-linux'}`,
    missing: [program],
  });
}

/**
 * Waits until a look shows that the guest has come to where it is meant to.
 * @param patience milliseconds
 * @throws BootError if it ends before, or takes longer: with what its kernel complained of, or said last
 */
export async function untilBooted(
  child: ChildProcess,
  record: GuestRecord,
  look: () => Promise<boolean>,
  patience: number,
  signal?: AbortSignal,
): Promise<void> {
  const tried = `booting the guest ${record.name} (kernel ${record.kernel}, ${record.accelerator})`;
  const deadline = performance.now() + patience;
  for (;;) {
    signal?.throwIfAborted();
    if (await look()) return;
    const hasEnded = child.exitCode !== null || child.signalCode !== null;
    if (hasEnded || performance.now() > deadline) {
      // What setpriv gives for a program that is not there.
      if (child.exitCode === 127) throw missing(QEMU);
      const said = (await readFile(join(record.folder, 'qemu.log'), 'utf8').catch(() => '')).trim();
      const happened = hasEnded
        ? 'QEMU ended before it was ready'
        : `it was not ready in ${patience / 1000} s`;
      throw new BootError({
        tried,
        happened: [happened, ...linesOf(`${said}\n${lastWords(await serialLog(record))}`.trim())],
      });
    }
    await sleep(POLL);
  }
}

export async function serialLog({ folder }: Pick<GuestRecord, 'folder'>): Promise<string> {
  return readFile(serialPath(folder), 'utf8').catch(() => '');
}

/** What the kernel complained of, else its last lines. */
export function lastWords(log: string): string {
  const trouble = kernelTrouble(log);
  return trouble.length > 0 ? trouble.join('\n') : log.trimEnd().split('\n').slice(-5).join('\n');
}
