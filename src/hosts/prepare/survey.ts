/** What a host is and has, found by one script in one go. */
import type { Host } from '../host/host.js';
import { parseLinks } from '../host/links.js';
import { type ToolLimit, toolLimits } from '../tools/tools.js';
import { DEVICES, readDevices, type SurveyedDevice } from './devices.js';
import { ebtablesObstacles, nftObstacles, type Obstacle } from './filters.js';
import { familyWords, MANAGER_PROGRAMS, type Manager, managerOf, releaseValue } from './managers.js';
import { NEEDS, type Need } from './needs.js';

export interface Survey {
  hostname: string;
  kernel: string;
  machine: string;
  uid: number;
  bootId: string;
  /** From os-release(5). */
  distribution: { id: string; version: string; name: string };
  /** First line of what `gcc --version` and `node --version` say; undefined if they are not there. */
  compiler: string | undefined;
  node: string | undefined;
  init: 'systemd' | 'openrc' | 'other';
  manager: Manager | undefined;
  interfaces: SurveyedInterface[];
  devices: SurveyedDevice[];
  /** Where what is exported, stored or built may lie; bytes. */
  space: { path: string; free: number; size: number }[];
  /** Milliseconds the host's clock is ahead of ours, and how far that may be off. */
  clock: { ahead: number; uncertainty: number };
  /** Whether systemd keeps the time by NTP; undefined where it can't. */
  keepsTime: boolean | undefined;
  missing: Need[];
  /** Programs that are there and can't do all that is wanted. */
  tools: ToolLimit[];
  obstacles: Obstacle[];
}

export interface SurveyedInterface {
  name: string;
  kind: string;
  mac: string;
  /** Bytes. */
  mtu: number;
  up: boolean;
  /** Whether it has a cable, or what stands for one. */
  carrier: boolean;
  /** Of a VLAN: the interface below it and its number. */
  vlan?: { on: string; id: number };
  /** What the card does by itself, by ethtool(8); empty without it. */
  offloads: Record<string, boolean>;
}

/** Parts of the script's answer begin with a line of this and their name. */
const PART = '@@aoe-lab ';

const SCRIPT = `part() { printf '\\n${PART}%s\\n' "$1"; }
part uname; uname -n; uname -r; uname -m; id -u; cat /proc/sys/kernel/random/boot_id
part release; cat /etc/os-release 2>/dev/null || cat /usr/lib/os-release 2>/dev/null
part compiler; gcc --version 2>/dev/null | head -n 1
part node; node --version 2>/dev/null
part init; if [ -d /run/systemd/system ]; then echo systemd; elif [ -d /run/openrc ]; then echo openrc; else echo other; fi
part managers; for m in ${MANAGER_PROGRAMS.join(' ')}; do command -v "$m" > /dev/null 2>&1 && echo "$m"; done
part links; ip -json -details link show 2>/dev/null || ip link show 2>/dev/null
part offloads
if command -v ethtool > /dev/null 2>&1; then
  for i in /sys/class/net/*; do i=\${i##*/}; echo "= $i"; ethtool -k "$i" 2>/dev/null; done
fi
part devices; ${DEVICES}
part space; df -Pk / /var /tmp /srv /home 2>/dev/null
part ntp; timedatectl show --property CanNTP --property NTP 2>/dev/null
part needs
for n in "$@"; do
  case $n in
    command:*) command -v "\${n#command:}" > /dev/null 2>&1 && echo "$n" ;;
    header:*) for d in /usr/include /usr/local/include /usr/include/*-linux-*; do
      [ -e "$d/\${n#header:}" ] && echo "$n"; done ;;
    *) [ -e "/lib/modules/$(uname -r)/build/Makefile" ] && echo "$n" ;;
  esac
done
part nft; nft --json list ruleset 2>/dev/null
part ebtables; ebtables-save 2>/dev/null
part end
true`;

const keyOf = ({ kind, name }: Need): string => `${kind}:${name}`;

/** @throws as Host.run */
export async function surveyHost(host: Host): Promise<Survey> {
  const { stdout } = await host.run(['sh', '-c', SCRIPT, 'sh', ...NEEDS.map(keyOf)], { timeout: 120_000 });
  const survey = readSurvey(stdout);
  const tools = await toolLimits(host);
  // A program that can't do what is needed is missing: its package brings another one.
  const isTooSmall = ({ name }: Need): boolean =>
    tools.some(({ tool, isNeeded }) => isNeeded && tool === name);
  const missing = NEEDS.filter((need) => survey.missing.includes(need) || isTooSmall(need));
  return { ...survey, missing, tools, clock: await compareClocks(host) };
}

/** The quickest of a few answers is the most exact. Where date(1) tells whole seconds, the clock is half of one further. */
async function compareClocks(host: Host): Promise<Survey['clock']> {
  let best = { ahead: 0, uncertainty: Number.POSITIVE_INFINITY };
  for (let tries = 0; tries < 3; tries++) {
    const asked = Date.now();
    const { stdout } = await host.run(['date', '+%s.%N']);
    const came = Date.now();
    const isExact = /^\d+\.\d{3,}$/.test(stdout.trim());
    const theirs = Math.round(Number.parseFloat(stdout) * 1000) + (isExact ? 0 : 500);
    const travel = (came - asked) / 2;
    const uncertainty = travel + (isExact ? 0 : 500);
    if (uncertainty < best.uncertainty) best = { ahead: Math.round(theirs - asked - travel), uncertainty };
  }
  return best;
}

/** Reads what the script printed. */
export function readSurvey(text: string): Omit<Survey, 'clock' | 'tools'> {
  const parts = new Map<string, string>();
  for (const part of `\n${text}`.split(`\n${PART}`).slice(1)) {
    const end = part.indexOf('\n');
    parts.set(end < 0 ? part : part.slice(0, end), end < 0 ? '' : part.slice(end + 1).trim());
  }
  const part = (name: string): string => parts.get(name) ?? '';
  const [hostname = '', kernel = '', machine = '', uid = '', bootId = ''] = part('uname').split('\n');
  const there = new Set(part('needs').split('\n'));
  const release = (key: string): string => releaseValue(part('release'), key);
  return {
    hostname,
    kernel,
    machine,
    uid: Number(uid),
    bootId,
    distribution: { id: release('ID'), version: release('VERSION_ID'), name: release('PRETTY_NAME') },
    compiler: part('compiler') || undefined,
    node: part('node') || undefined,
    init: (['systemd', 'openrc'] as const).find((name) => name === part('init')) ?? 'other',
    manager: managerOf(familyWords(part('release')), part('managers').split('\n')),
    interfaces: readInterfaces(part('links'), readOffloads(part('offloads'))),
    devices: readDevices(part('devices')),
    space: readSpace(part('space')),
    keepsTime: /CanNTP=yes/.test(part('ntp')) ? /^NTP=yes/m.test(part('ntp')) : undefined,
    missing: NEEDS.filter((need) => !there.has(keyOf(need))),
    obstacles: [
      ...(part('nft') === '' ? [] : nftObstacles(part('nft'))),
      ...ebtablesObstacles(part('ebtables')),
    ],
  };
}

function readInterfaces(text: string, offloads: Map<string, Record<string, boolean>>): SurveyedInterface[] {
  return parseLinks(text).map((link) => {
    const { info_kind: kind, info_data: data } = link.linkinfo ?? {};
    const vlan =
      kind === 'vlan' && link.link !== undefined && data?.id !== undefined
        ? { vlan: { on: link.link, id: data.id } }
        : {};
    return {
      name: link.ifname,
      kind: kind ?? link.link_type,
      mac: link.address ?? '',
      mtu: link.mtu,
      up: link.flags.includes('UP'),
      carrier: link.flags.includes('LOWER_UP'),
      ...vlan,
      offloads: offloads.get(link.ifname) ?? {},
    };
  });
}

function readOffloads(text: string): Map<string, Record<string, boolean>> {
  const found = new Map<string, Record<string, boolean>>();
  let current: Record<string, boolean> = {};
  for (const line of text.split('\n')) {
    if (line.startsWith('= ')) {
      current = {};
      found.set(line.slice(2), current);
    }
    const [, name, value] = /^\t?([a-z0-9-]+): (on|off)\b/.exec(line) ?? [];
    if (name !== undefined) current[name] = value === 'on';
  }
  return found;
}

function readSpace(text: string): Survey['space'] {
  const rows = text.split('\n').flatMap((line) => {
    const match = /\s(\d+)\s+\d+\s+(\d+)\s+\d+%\s+(\/.*)$/.exec(line);
    return match === null
      ? []
      : [{ path: match[3] as string, size: Number(match[1]) * 1024, free: Number(match[2]) * 1024 }];
  });
  return [...new Map(rows.map((row) => [row.path, row])).values()];
}
