/**
 * Hosts of a test's own: each a real sshd in network, mount, process and UTS namespaces, on a root of its own (an overlay over
 * this machine's, so what a host's files have become can be compared). All lie in one namespace that holds two bridges:
 * the way to their sshd (10.77.0.0/16), and a segment for AoE, which each host sees as `san0`.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cacheFolder } from '../../../src/base/files/paths.js';
import { here } from '../../../src/hosts/host/local.js';
import { noSshd } from '../../hosts/ssh/sshd.js';
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

/** systemd as the first process, with what this machine has it start left out, and sshd as a unit of the test's. */
const SYSTEMD = BOOT.replace('for d in dev sys; do mount --rbind "/$d" "$d"; done', 'mount --rbind /dev dev')
  .replace(
    ': > "$folder/booted"',
    `if [ ! -e "$folder/booted" ]; then
  rm -rf etc/systemd/system/*.wants etc/systemd/system/default.target
  mkdir etc/systemd/system/multi-user.target.wants
  for unit in lib/systemd/system/sysinit.target.wants/* lib/systemd/system/local-fs.target.wants/* lib/systemd/system/multi-user.target.wants/* systemd-journald-dev-log.socket; do
    case \${unit##*/} in systemd-journald.service) ;; *) ln -sf /dev/null "etc/systemd/system/\${unit##*/}" ;; esac
  done
  printf '%s\\n' '[Service]' "ExecStart=/usr/sbin/sshd -D -E /var/log/sshd -p $port -f /etc/ssh/sshd_config" 'KillMode=process' > etc/systemd/system/test-sshd.service
  ln -s ../test-sshd.service etc/systemd/system/multi-user.target.wants/
fi
: > "$folder/booted"
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup`,
  )
  .replace(
    /exec chroot .*/,
    'exec env container=test chroot . /lib/systemd/systemd --system --log-target=journal --unit=multi-user.target',
  );

/**
 * Starts hosts; they end with the test.
 * @param settings further lines of every sshd's configuration
 * @param init the first process of each host
 */
export async function sshLab(
  t: { teardown(undo: () => unknown): void },
  names: readonly string[],
  {
    settings = [],
    mtu = 9000,
    init = 'sshd',
    prepare = async () => {},
  }: {
    settings?: readonly string[];
    mtu?: number;
    init?: 'sshd' | 'systemd';
    /** Changes the files of a host, below its `upper`, before its first boot. */
    prepare?: (host: Pick<LabHost, 'name' | 'upper'>) => Promise<void>;
  } = {},
): Promise<SshLab> {
  const folder = await mkdtemp(join(tmpdir(), 'aoe-lab-hosts-'));
  const mark = randomBytes(3).toString('hex');
  const netns = `aoetest-${mark}`;
  const spaces = names.map((_, index) => `aoetest-${mark}-${index}`);
  const running = new Map<string, ChildProcess>();
  t.teardown(async () => {
    await Promise.all([...running.values()].map(end));
    if (init === 'systemd') await Promise.all(spaces.map(removeControlGroup));
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
          // What the sshd of an earlier boot said would be taken for this one's.
          await rm(join(place, 'upper/var/log/sshd'), { force: true });
          const group = init === 'systemd' ? join(controlGroups() as string, space) : undefined;
          const spread = ['unshare', '--mount', '--pid', '--uts', '--ipc', '--fork', '--kill-child'];
          const words = group === undefined ? [] : ['sh', '-c', ENTER, 'sh', group];
          const argv = [...words, 'ip', 'netns', 'exec', space, ...spread];
          if (group !== undefined) argv.push('--cgroup');
          argv.push('sh', '-c', group === undefined ? BOOT : SYSTEMD, 'sh', place, name, '22');
          const child = spawn(argv[0] as string, argv.slice(1), { stdio: ['ignore', 'ignore', 'pipe'] });
          let said = '';
          child.stderr.on('data', (chunk) => {
            said += chunk;
          });
          running.set(name, child);
          for (let tries = 0; !said.includes('Server listening'); tries += 1) {
            if (child.exitCode !== null || tries > 1500) throw new Error(`no sshd for ${name}: ${said}`);
            await sleep(20);
            if (init === 'systemd') {
              said += await readFile(join(place, 'upper/var/log/sshd'), 'utf8').catch(() => '');
            }
          }
        },
      };
      await prepare(host);
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

const ENTER = 'set -e; mkdir -p "$1"; echo $$ > "$1/cgroup.procs"; shift; exec "$@"';

/** Where this machine has its control groups of version 2. */
function controlGroups(): string | undefined {
  return /^\S+ (\S+) cgroup2 /m.exec(readFileSync('/proc/mounts', 'utf8'))?.[1];
}

/** Undefined, or why hosts can't have systemd here. */
export function noSystemdLab(): string | undefined {
  const reason = noSshLab();
  if (reason !== undefined) return reason;
  if (!existsSync('/lib/systemd/systemd')) return 'needs systemd';
  return controlGroups() === undefined ? 'needs control groups of version 2' : undefined;
}

/** Its processes have been killed; their groups go when the last of them has. */
async function removeControlGroup(space: string): Promise<void> {
  const folder = join(controlGroups() as string, space);
  for (let tries = 0; existsSync(folder) && tries < 100; tries += 1) {
    const argv = ['find', folder, '-depth', '-type', 'd', '-exec', 'rmdir', '{}', '+'];
    await here.run(argv, { accept: [1] });
    if (existsSync(folder)) await sleep(20);
  }
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
