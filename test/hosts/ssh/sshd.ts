/** A real sshd for one connection at a time, spoken to over a Unix socket: nothing touches a network. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { SshOptions } from '../../../src/hosts/ssh/options.js';

const SSHD = '/usr/sbin/sshd';

export function noSshd(): string | undefined {
  if (!existsSync(SSHD)) return 'needs sshd';
  return spawnSync('ssh-keygen', ['-?']).error === undefined ? undefined : 'needs ssh-keygen';
}

export class Sshd {
  readonly folder = mkdtempSync(join(tmpdir(), 'aoe-lab-sshd-'));
  /** Processes started, one a connection. */
  readonly started: ChildProcess[] = [];
  said = '';
  #sockets = 0;

  /** @param settings further lines of its configuration */
  constructor(settings: readonly string[] = []) {
    for (const name of ['host', 'other', 'user', 'stranger']) this.#makeKey(name);
    writeFileSync(join(this.folder, 'authorized'), this.#public('user'), { mode: 0o600 });
    writeFileSync(
      join(this.folder, 'config'),
      [
        `HostKey ${join(this.folder, 'host')}`,
        `AuthorizedKeysFile ${join(this.folder, 'authorized')}`,
        'PermitRootLogin yes',
        'StrictModes no',
        'UsePAM no',
        'PasswordAuthentication no',
        // bash reads ~/.bashrc for sshd unless it takes itself for one shell within another.
        'SetEnv SHLVL=5',
        ...settings,
      ].join('\n'),
    );
    // Where sshd of root puts the part of it that has no rights.
    if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
  }

  options(changes: Partial<SshOptions> = {}): SshOptions {
    return {
      name: 'test host',
      user: userInfo().username,
      open: () => this.#connect(),
      hostKeys: [this.publicKey('host')],
      privateKey: readFileSync(join(this.folder, 'user')),
      ...changes,
    };
  }

  /** In wire format. */
  publicKey(name: string): Buffer {
    return Buffer.from(this.#public(name).split(' ')[1] ?? '', 'base64');
  }

  stop(): void {
    for (const child of this.started) child.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** sshd's end of a socket becomes its standard input and output, as inetd did it. */
  async #connect(): Promise<Socket> {
    const path = join(this.folder, `socket${this.#sockets++}`);
    const server = createServer({ pauseOnConnect: true });
    server.listen(path);
    await once(server, 'listening');
    const [client, [far]] = [connect(path), (await once(server, 'connection')) as [Socket]];
    const child = spawn(SSHD, ['-i', '-e', '-f', join(this.folder, 'config')], { stdio: [far, far, 'pipe'] });
    child.stderr?.on('data', (chunk) => {
      this.said += chunk;
    });
    for (const stream of [far, child.stderr, client]) stream?.on('error', () => {});
    far.destroy();
    server.close();
    this.started.push(child);
    return client;
  }

  #makeKey(name: string): void {
    spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(this.folder, name)]);
  }

  #public(name: string): string {
    return readFileSync(join(this.folder, `${name}.pub`), 'utf8');
  }
}
