/** What a host's programs can do: there are several of each name (GNU, busybox, toybox), and old ones. */

import type { Host } from '../host/host.js';
import { SshHost } from '../ssh/host.js';
import { confined } from './confine.js';

export interface ToolLimit {
  /** Name of the program. */
  tool: string;
  /** What it lacks, and what follows. */
  why: string;
  /** Whether exporting needs what it lacks. Where not, it is done another way. */
  isNeeded: boolean;
  /** It is not there at all; told only of what is done without it. */
  isMissing: boolean;
}

interface Check extends Omit<ToolLimit, 'isMissing'> {
  /** Of the shell: fails where the program is too small. Nothing is changed by it, and nothing printed. */
  test: string;
  /** It is told as well where the program is missing. */
  orMissing?: true;
}

const CHECKS: readonly Check[] = [
  {
    tool: 'ip',
    test: 'ip -json link show',
    why: 'it prints no JSON: neither kinds of interfaces nor other ends of veth pairs are known',
    isNeeded: false,
  },
  {
    tool: 'ip',
    test: 'ip netns list',
    why: 'it knows no network namespaces: --netns can not be used',
    isNeeded: false,
  },
  {
    tool: 'losetup',
    test: 'losetup --list --raw --output NAME,BACK-INO,BACK-MAJ:MIN',
    why: 'it does not tell what is behind loop devices, which is looked up by path, and knows no direct I/O: --loop and --direct-io do not go together',
    isNeeded: false,
  },
  {
    tool: 'lsblk',
    test: 'lsblk --json --output MOUNTPOINTS',
    why: 'it is older than util-linux 2.37, which knows all mount points: devices are shown by what it has, or by /sys',
    isNeeded: false,
  },
  {
    tool: 'flock',
    test: 'flock -n 9 9< /proc/version',
    why: 'it can not take a lock on a descriptor',
    isNeeded: true,
  },
  { tool: 'setsid', test: 'setsid true', why: 'it does not run a command', isNeeded: true },
  {
    tool: 'grep',
    test: 'grep -lsF a /proc/version',
    why: 'it lacks -l, -s or -F, by which processes are looked for',
    isNeeded: true,
  },
  {
    tool: 'stat',
    test: "stat -L -c '%f %s %b %u' /",
    why: 'it knows no format, by which files are looked at',
    isNeeded: true,
  },
  {
    tool: 'setpriv',
    test: `[ "$(id -u)" != 0 ] || ${confined(['true'], ['net_raw'], 'capabilities').join(' ')}`,
    why: 'targets keep all capabilities of root there, unless systemd starts them or they are native (util-linux has one that takes them away)',
    isNeeded: false,
    orMissing: true,
  },
  {
    tool: 'date',
    test: 'case $(date +%N) in *[!0-9]*|"") false ;; esac',
    why: 'it tells whole seconds only: the clock is known to half a second',
    isNeeded: false,
  },
  {
    tool: 'sleep',
    test: 'sleep 0.01',
    why: 'it takes whole seconds only: what is waited for takes longer',
    isNeeded: false,
  },
];

/** Prints the numbers of those that fail. */
const SCRIPT = CHECKS.map(
  ({ tool, test, orMissing }, index) =>
    `if command -v ${tool} > /dev/null 2>&1; then ( ${test} ) > /dev/null 2>&1 < /dev/null || echo ${index}; ${
      orMissing ? `else echo ${index} missing; ` : ''
    }fi`,
).join('\n');

const known = new WeakMap<object, Promise<ToolLimit[]>>();

/**
 * Programs that are there and can't do all that is wanted of them; found once a connection.
 * @throws as Host.run
 */
export function toolLimits(host: Host): Promise<ToolLimit[]> {
  const key = host instanceof SshHost ? host.connection : host;
  const found = known.get(key) ?? findLimits(host);
  known.set(key, found);
  found.catch(() => known.delete(key));
  return found;
}

async function findLimits(host: Host): Promise<ToolLimit[]> {
  const { stdout } = await host.run(['sh', '-c', `${SCRIPT}\n:`]);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => {
      const [index, missing] = line.split(' ');
      const check = CHECKS[Number(index)];
      if (check === undefined) return [];
      const { tool, why, isNeeded } = check;
      return [{ tool, why, isNeeded, isMissing: missing !== undefined }];
    });
}
