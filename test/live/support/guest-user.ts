/** A user whose ssh knows a guest as a host. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Guest } from '../../../src/prove/vm/index.js';
import { forwardedPort } from '../../../src/prove/vm/monitor.js';
import { keyPath, monitorPath } from '../../../src/prove/vm/registry.js';

/**
 * The environment of a user, with a home in `folder`, whose ssh reaches a guest as `name`. The way leads through a
 * program in the network namespace of this process, so that it can be taken from any other.
 */
export async function guestUser(
  folder: string,
  name: string,
  { record }: Guest,
): Promise<Record<string, string>> {
  const home = join(folder, 'home');
  const ssh = join(home, '.ssh');
  mkdirSync(ssh, { recursive: true, mode: 0o700 });
  const port = await forwardedPort(monitorPath(record));
  const way = join(folder, 'way.cjs');
  writeFileSync(
    way,
    `const s = require('net').connect(${port}, '127.0.0.1'); process.stdin.pipe(s); s.pipe(process.stdout);`,
  );
  const proxy = `nsenter --net=/proc/${process.pid}/ns/net ${process.execPath} ${way}`;
  const lines = ['User root', `IdentityFile ${keyPath(record.folder)}`, `ProxyCommand ${proxy}`];
  writeFileSync(
    join(ssh, 'config'),
    [`Host ${name}`, ...lines, `UserKnownHostsFile ${ssh}/known\n`].join('\n  '),
  );
  writeFileSync(join(ssh, 'known'), `${name} ssh-ed25519 ${record.hostKey}\n`);
  return { HOME: home, XDG_CONFIG_HOME: join(home, '.config'), SSH_AUTH_SOCK: '' };
}
