/** What the role asks of a host: one script, which changes nothing, and what it printed. No I/O. */
import { LabError } from '../../base/errors.js';
import { parseJson } from '../../base/json.js';
import { interfacesFrom } from '../../hosts/host/interface.js';
import type { InterfaceFacts } from '../../hosts/host/interface-facts.js';
import { parseLinks } from '../../hosts/host/links.js';
import { quote } from '../../hosts/host/quote.js';
import { DIRECT_IO_PROBE } from '../../serve/exports/direct-io.js';
import { type ExportEntry, parseEntry } from '../../serve/exports/entry.js';
import { parseScan, RUN_MARK, SCANS } from '../../serve/exports/processes.js';
import { blockOf, type StorageSnapshot } from '../../serve/storage/snapshot.js';
import { EXCLUSIVE, surveyScript, UNASKED, wholeSurvey } from '../../serve/storage/survey.js';

/** What `STATE/persist/installed.json` holds (see persist/reconcile.ts). */
export interface Installed {
  services: string[];
  enabled: string[];
  files: Record<string, string | null>;
}

export interface Look {
  machine: string;
  /** Such as `glibc 2.36`; empty of another C library. */
  libc: string;
  bootId: string;
  isRoot: boolean;
  systemd: boolean;
  udev: boolean;
  /** Nobody holds the lock on its exports. */
  free: boolean;
  /** It has a state folder. */
  there: boolean;
  /** Release of its node; undefined: none. */
  node: string | undefined;
  storage: StorageSnapshot;
  /** Marks of processes that serve exports of ours, with their ids. */
  processes: Map<string, number[]>;
  interfaces: InterfaceFacts[];
  entries: ExportEntry[];
  /** Files among the entries that are none, and why. */
  unreadable: string[];
  installed: Installed;
  /** Properties of the units that systemd knows. */
  units: Map<string, Map<string, string>>;
  /** Path → sha256 of what may be files of ours. */
  digests: Map<string, string>;
  /** `BUILD/ARTIFACT` */
  artifacts: string[];
  /** Name → what the probe for direct I/O printed. */
  direct: Map<string, string>;
}

const SCAN_MARK = 'scan of ansible';

/**
 * `$1`: the state folder; `$2`: its node; `$3`: how many of the names direct I/O is to be tried on, which come first;
 * then names. Each part is a line: its name, and in base64 what it printed, with the exit code as the last line.
 */
export const LOOK_SCRIPT = `# Prints what this host has; changes nothing. Written by aoe-lab, which reads it: see tasks/ask.yml.
LC_ALL=C; export LC_ALL
state=$1 node=$2 direct=$3; shift 3
part() {
  part=$1; shift
  printf '%s ' "$part"
  { "$@" 2>/dev/null; echo "@exit $?"; } | base64 | tr -d '\\n'
  echo
}
yes_no() { if "$@"; then echo yes; else echo no; fi; }
entry() { printf '%s\\0' "\${1##*/}"; cat "$1"; }
hashes() {
  for file in /etc/systemd/system/aoe-lab-*.service "$state"/persist/*.sh "$state"/daemons/*/*; do
    [ ! -f "$file" ] || sha256sum "$file"
  done
}
artifacts() {
  for file in "$state"/artifacts/*/*; do [ ! -e "$file" ] || echo "\${file#"$state"/artifacts/}"; done
  for folder in "$state"/artifacts/*; do [ ! -e "$folder" ] || echo "\${folder#"$state"/artifacts/}/"; done
}
held() {
  for name do
    [ ! -b "$name" ] || set -- "$@" "$name"
    shift
  done
  [ $# -eq 0 ] || sh -c ${quote(EXCLUSIVE)} sh "$@"
}
probe() {
  while [ "$direct" -gt 0 ]; do
    printf '%s\\0' "$1"
    [ ! -e "$1" ] || sh -c ${quote(DIRECT_IO_PROBE)} sh "$1"
    printf '\\0'
    shift; direct=$((direct - 1))
  done
}
part machine uname -m
part libc getconf GNU_LIBC_VERSION
part boot cat /proc/sys/kernel/random/boot_id
part user id -u
part systemd yes_no test -d /run/systemd/system
part udev yes_no test -e /run/udev/control
part there yes_no test -d "$state"
[ ! -d "$state" ] || part free yes_no flock --nonblock "$state" true
part node "$node" --version
part survey sh -c ${quote(surveyScript())} sh users "$@"
part held held "$@"
part direct probe "$@"
${SCANS.map((script) => `part scan env ${RUN_MARK}=${quote(SCAN_MARK)} sh -c ${quote(script)} sh "$state"`).join('\n')}
part links ip -json -details link show
part textlinks ip link show
part installed cat "$state/persist/installed.json"
for file in "$state"/exports/*.json; do
  [ ! -e "$file" ] || part entry entry "$file"
done
part units systemctl show --property=Id,ActiveState,UnitFileState,NeedDaemonReload 'aoe-lab-*'
part digests hashes
part artifacts artifacts
`;

/** What a part printed, and how it ended. */
interface Part {
  text: string;
  code: number;
}

/** @throws LabError if something could not be asked @param names that were asked about, in their order */
export function parseLook(host: string, state: string, printed: string, names: readonly string[]): Look {
  const parts = new Map<string, Part[]>();
  for (const line of printed.split('\n')) {
    const [, name, coded = ''] = /^([a-z]+) ([A-Za-z0-9+/=]*)$/.exec(line) ?? [];
    if (name === undefined) continue;
    const text = Buffer.from(coded, 'base64').toString();
    const end = /@exit (\d+)\n$/.exec(text);
    if (end === null) throw unasked(host, `the part ${name} of its answer is not whole`);
    const part = { text: text.slice(0, end.index), code: Number(end[1]) };
    parts.set(name, [...(parts.get(name) ?? []), part]);
  }
  const of = (name: string): Part => parts.get(name)?.[0] ?? { text: '', code: 1 };
  const word = (name: string): string => of(name).text.trim();
  const found = (parts.get('entry') ?? []).map(({ text }) => {
    const [name = '', content = ''] = text.split(/\0(.*)/s);
    return { name, entry: parseEntry(name, Buffer.from(content)) };
  });
  if (of('links').code !== 0 && of('textlinks').code !== 0) throw unasked(host, 'ip lists no interfaces');
  if (word('systemd') === 'yes' && of('units').code !== 0) throw unasked(host, 'systemctl shows no units');
  const storage = wholeSurvey(host, of('survey').text, names);
  return {
    machine: word('machine'),
    libc: word('libc'),
    bootId: word('boot'),
    isRoot: word('user') === '0',
    systemd: word('systemd') === 'yes',
    udev: word('udev') === 'yes',
    there: word('there') === 'yes',
    free: word('there') === 'no' || word('free') === 'yes',
    node: /^v(\d.*)$/.exec(word('node'))?.[1],
    storage: { ...storage, held: heldFrom(host, storage, of('held')) },
    processes: processesFrom(host, state, parts.get('scan') ?? []),
    interfaces: interfacesFrom(parseLinks(of('links').code === 0 ? word('links') : of('textlinks').text)),
    entries: found.flatMap(({ entry }) => ('fault' in entry ? [] : [entry])),
    unreadable: found.flatMap(({ name, entry }) => ('fault' in entry ? [`${name}: ${entry.fault}`] : [])),
    installed:
      of('installed').code === 0
        ? installedFrom(host, of('installed').text)
        : { services: [], enabled: [], files: {} },
    units: unitsFrom(of('units').text),
    digests: new Map(
      [...of('digests').text.matchAll(/^([0-9a-f]{64}) [ *](.*)$/gm)].map(([, digest = '', path = '']) => [
        path,
        digest,
      ]),
    ),
    artifacts: of('artifacts').text.split('\n').filter(Boolean),
    direct: directFrom(of('direct').text),
  };
}

function installedFrom(host: string, text: string): Installed {
  try {
    const { services, enabled, files } = parseJson(text) as Installed;
    if (Array.isArray(services) && Array.isArray(enabled) && typeof files === 'object' && files !== null) {
      return { services, enabled, files };
    }
  } catch {
    // Told below.
  }
  throw unasked(host, 'what was installed there is no record of ours');
}

function heldFrom(
  host: string,
  storage: StorageSnapshot,
  { text, code }: Part,
): ReadonlySet<string> | undefined {
  if (code === UNASKED) return undefined;
  if (code !== 0) throw unasked(host, 'who holds its devices could not be asked');
  const held = text.split('\n').filter(Boolean);
  const names = [...storage.names.values()].filter(({ name }) => held.includes(name));
  return new Set(names.flatMap(({ node }) => blockOf(storage, node)?.name ?? []));
}

function processesFrom(host: string, state: string, scans: readonly Part[]): Map<string, number[]> {
  for (const { text } of scans) {
    const { found, isWhole } = parseScan(text, SCAN_MARK, state);
    if (isWhole) return found;
  }
  throw unasked(host, 'the processes of exports could not be looked for');
}

function unasked(host: string, happened: string): LabError {
  return new LabError({
    tried: `looking at ${host}`,
    happened,
    next: 'see that base64, grep, ip and /proc are there',
  });
}

/** `systemctl show`: a paragraph a unit. */
function unitsFrom(text: string): Look['units'] {
  const units = text.split('\n\n').map((paragraph) => {
    const lines = paragraph.split('\n').map((line) => line.split('=', 2) as [string, string]);
    return new Map(lines);
  });
  return new Map(
    units.flatMap((unit) => {
      const id = unit.get('Id');
      return id === undefined ? [] : [[id.replace(/\.service$/, ''), unit] as const];
    }),
  );
}

function directFrom(text: string): Map<string, string> {
  const words = text.split('\0');
  const pairs = Array.from({ length: Math.floor(words.length / 2) }, (_, index) => [
    words[2 * index] as string,
    words[2 * index + 1] as string,
  ]);
  return new Map(pairs as [string, string][]);
}
