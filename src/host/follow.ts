import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Host } from './host.js';
import { SshHost } from './ssh/host.js';
import { passThrough } from './ssh/terminal.js';

/** Prints what a file of a host grows by on this process's standard output, until this process is ended. */
export async function follow(host: Host, path: string, from: number): Promise<void> {
  const argv = ['tail', '-c', `+${from + 1}`, '-f', path];
  if (host instanceof SshHost) await passThrough(host.connection, argv);
  else await once(spawn('tail', argv.slice(1), { stdio: 'inherit' }), 'close');
}
