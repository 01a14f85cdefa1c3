/** A host of a test's lab as the tool knows it, spoken to over SSH from the lab's namespace. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import type { ExecutionContext } from 'ava';
import { SshHost } from '../../../src/hosts/ssh/host.js';
import type { LabHost, SshLab } from './ssh-lab.js';

const PIPE =
  "const s = require('net').connect(22, process.argv[1]); process.stdin.pipe(s); s.pipe(process.stdout)";

/** Closed when the test ends; a host that was booted again needs a new one. */
export async function reachLabHost(t: ExecutionContext, lab: SshLab, to: LabHost): Promise<SshHost> {
  const host = new SshHost({
    name: to.name,
    user: 'root',
    hostKeys: [Buffer.from(to.hostKey.split(' ')[1] as string, 'base64')],
    privateKey: await readFile(join(lab.folder, 'home', '.ssh', 'id_ed25519'), 'utf8'),
    open: async () => {
      const argv = lab.inside([process.execPath, '-e', PIPE, to.address]);
      const child = spawn(argv[0] as string, argv.slice(1), { stdio: ['pipe', 'pipe', 'ignore'] });
      child.stdin.on('error', () => {});
      const stream = Duplex.from({ readable: child.stdout, writable: child.stdin });
      stream.once('close', () => child.kill());
      return stream;
    },
  });
  t.teardown(() => host.close());
  return host;
}
