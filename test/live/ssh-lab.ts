/**
 * Hosts of a test's own: each a real sshd in network, mount, process and UTS namespaces, on a root of its own (an overlay over
 * this machine's, so what a host's files have become can be compared). All lie in one namespace that holds two bridges:
 * the way to their sshd (10.77.0.0/16), and a segment for AoE, which each host sees as `san0`.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { here } from '../../src/host/local.js';
import { cacheFolder } from '../../src/paths.js';
import { noSshd } from '../host/sshd.js';
import { noRoot } from './machine.js';

/** Undefined, or why there can be no such hosts here. */
export function noSshLab(): string | undefined {
  const reason = noRoot() ?? noSshd();
  if (reason !== undefined) return reason;
  const overlay =
    'mount -t tmpfs t /mnt && mkdir /mnt/u /mnt/w /mnt/r && mount -t overlay o -o lowerdir=/,upperdir=/mnt/u,workdir=/mnt/w /mnt/r';
  const { status } = spawnSync('unshare', ['-m', 'sh', '-c', overlay], { stdio: 'ignore' });
  return status === 0 ? undefined : 'needs overlay file systems';
}

export interface LabHost {
  name: string;
  /** Of its sshd. */
  address: string;
  /** Its own network namespace, a name of this machine's. */
  netns: string;
  /** What differs from this machine's root: every file written, and a character device for every one removed. */
  upper: string;
  /** Its root, as this machine sees it. */
  root: string;
  /** Public host key, as in known_hosts. */
  hostKey: string;
  /** Ends every process of it at once, as a power cut does; its files stay, and its sshd comes back at `boot`. */
  crash(): Promise<void>;
  boot(): Promise<void>;
}

export interface SshLab {
  /** Namespace commands under test are to run in; `san0` is their end of the AoE segment. */
  netns: string;
  /** Holds `home` (HOME for commands under test), with .ssh/config, .ssh/id_ed25519 and .ssh/known_hosts for all hosts. */
  folder: string;
  hosts: LabHost[];
  /** Environment for commands under test: run them by `run`. */
  env: Record<string, string>;
  /** `ip netns exec NETNS` before a command's words. */
  inside(argv: readonly string[]): string[];
}

const BOOT = `set -e
folder=$1; name=$2; port=$3
mount --make-rprivate /
mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work,index=off" "$folder/root"
cd "$folder/root"
# What this machine itself exports does not show through.
[ -e "$folder/booted" ] || rm -rf var/lib/aoe-lab
: > "$folder/booted"
for d in dev sys; do mount --rbind "/$d" "$d"; done
mount -t proc proc proc
mount -t tmpfs -o mode=755 run run
mount -t tmpfs -o mode=1777 tmp tmp
mkdir -p run/sshd run/netns
mount --bind "$folder/boot_id" proc/sys/kernel/random/boot_id
hostname "$name"
exec chroot . /usr/sbin/sshd -D -e -p "$port" -f /etc/ssh/sshd_config`;

/**
 * Starts hosts; they end with the test.
 * @param settings further lines of every sshd's configuration
 */
export async function sshLab(
  t: ExecutionContext,
  names: readonly string[],
  { settings = [], mtu = 9000 }: { settings?: readonly string[]; mtu?: number } = {},
): Promise<SshLab> {
  const folder = await mkdtemp(join(tmpdir(), 'aoe-lab-hosts-'));
  const mark = randomBytes(3).toString('hex');
  const netns = `aoetest-${mark}`;
  const spaces = names.map((_, index) => `aoetest-${mark}-${index}`);
  const running = new Map<string, ChildProcess>();
  t.teardown(async () => {
    await Promise.all([...running.values()].map(end));
    for (const space of [...spaces, netns]) await here.run(['ip', 'netns', 'del', space], { accept: [1] });
    await rm(folder, { recursive: true, force: true });
  });
  await here.run(['ip', 'netns', 'add', netns]);
  await ip(netns, 'link set lo up');
  for (const bridge of ['way', 'san']) await ip(netns, `link add ${bridge} type bridge`);
  await ip(netns, `link set san mtu ${mtu}`);
  for (const bridge of ['way', 'san']) await ip(netns, `link set ${bridge} addrgenmode none up`);
  await ip(netns, 'addr add 10.77.0.1/16 dev way');
  await ip(netns, `link add san0 mtu ${mtu} type veth peer name san-0 mtu ${mtu}`);
  await ip(netns, 'link set san-0 master san addrgenmode none up');
  await ip(netns, 'link set san0 addrgenmode none up');
  const home = join(folder, 'home');
  await mkdir(join(home, '.ssh'), { recursive: true, mode: 0o700 });
  await makeKey(join(home, '.ssh', 'id_ed25519'));
  const login = await readFile(join(home, '.ssh', 'id_ed25519.pub'), 'utf8');

  const hosts = await Promise.all(
    names.map(async (name, index): Promise<LabHost> => {
      const space = spaces[index] as string;
      const place = join(folder, name);
      const address = `10.77.${1 + (index >> 7)}.${1 + (index & 127)}`;
      for (const part of ['upper/etc/ssh', 'upper/root/.ssh', 'work', 'root']) {
        await mkdir(join(place, part), { recursive: true });
      }
      await here.run(['ip', 'netns', 'add', space]);
      await ip(space, 'link set lo up');
      await plug(netns, space, { bridge: 'way', port: `way-${index + 1}`, inside: 'eth0', mtu: 1500 });
      await plug(netns, space, { bridge: 'san', port: `san-${index + 1}`, inside: 'san0', mtu });
      await ip(space, `addr add ${address}/16 dev eth0`);
      const etc = join(place, 'upper', 'etc');
      await makeKey(join(etc, 'ssh', 'host'));
      await writeFile(
        join(etc, 'ssh', 'sshd_config'),
        [
          'HostKey /etc/ssh/host',
          'PermitRootLogin yes',
          'StrictModes no',
          'UsePAM no',
          'Subsystem sftp internal-sftp',
          // bash reads ~/.bashrc for sshd unless it takes itself for one shell within another.
          'SetEnv SHLVL=5',
          ...settings,
          '',
        ].join('\n'),
      );
      await writeFile(join(place, 'upper', 'root', '.ssh', 'authorized_keys'), login, { mode: 0o600 });
      const hostKey = (await readFile(join(etc, 'ssh', 'host.pub'), 'utf8')).split(' ').slice(0, 2).join(' ');
      const host: LabHost = {
        name,
        address,
        netns: space,
        upper: join(place, 'upper'),
        root: join(place, 'root'),
        hostKey,
        crash: async () => {
          const child = running.get(name);
          running.delete(name);
          if (child !== undefined) await end(child);
        },
        boot: async () => {
          await writeFile(join(place, 'boot_id'), `${randomUUID()}\n`);
          const spread = ['unshare', '--mount', '--pid', '--uts', '--ipc', '--fork', '--kill-child'];
          const argv = ['netns', 'exec', space, ...spread, 'sh', '-c', BOOT, 'sh', place, name, '22'];
          const child = spawn('ip', argv, { stdio: ['ignore', 'ignore', 'pipe'] });
          let said = '';
          child.stderr.on('data', (chunk) => {
            said += chunk;
          });
          running.set(name, child);
          for (let tries = 0; !said.includes('Server listening'); tries += 1) {
            if (child.exitCode !== null || tries > 500) throw new Error(`no sshd for ${name}: ${said}`);
            await sleep(20);
          }
        },
      };
      await host.boot();
      return host;
    }),
  );
  await writeFile(
    join(home, '.ssh', 'known_hosts'),
    hosts.map(({ address, hostKey }) => `${address} ${hostKey}\n`).join(''),
  );
  await writeFile(
    join(home, '.ssh', 'config'),
    [
      ...hosts.map(({ name, address }) => `Host ${name}\n  HostName ${address}\n  User root\n`),
      `Host *\n  IdentityFile ${join(home, '.ssh', 'id_ed25519')}\n  UserKnownHostsFile ${join(home, '.ssh', 'known_hosts')}\n`,
    ].join('\n'),
    { mode: 0o600 },
  );
  return {
    netns,
    folder,
    hosts,
    env: {
      HOME: home,
      XDG_CONFIG_HOME: join(home, '.config'),
      AOE_LAB_STATE: join(folder, 'state'),
      AOE_LAB_CACHE: cacheFolder(),
    },
    inside: (argv) => ['ip', 'netns', 'exec', netns, ...argv],
  };
}

async function ip(netns: string, words: string): Promise<void> {
  await here.run(['ip', '-n', netns, ...words.split(' ')]);
}

/** Joins a host to a bridge by a veth pair. */
async function plug(
  netns: string,
  space: string,
  { bridge, port, inside, mtu }: { bridge: string; port: string; inside: string; mtu: number },
): Promise<void> {
  await ip(netns, `link add ${port} mtu ${mtu} type veth peer name ${inside} mtu ${mtu} netns ${space}`);
  await ip(netns, `link set ${port} master ${bridge} addrgenmode none up`);
  await ip(space, `link set ${inside} addrgenmode none up`);
}

async function makeKey(path: string): Promise<void> {
  await here.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', path]);
}

/** Its first process's end is that of all others in its namespace. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGKILL');
  await gone;
}
