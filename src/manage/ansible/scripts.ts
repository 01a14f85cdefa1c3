/** What is done to a host, as scripts of its shell: every word that comes from a lab or a host is quoted here. No I/O. */
import { posix } from 'node:path';
import { findInterface } from '../../hosts/host/interface-choice.js';
import { quote, quoteArgv } from '../../hosts/host/quote.js';
import { diskCommand } from '../../serve/exports/disk-link.js';
import { type ExportEntry, exportId, makeStateCommand, type StateFolder } from '../../serve/exports/entry.js';
import { startedOn } from '../../serve/exports/export-interface.js';
import { MARK_LOG, SAID } from '../../serve/exports/log-marks.js';
import { ofExport, type Service } from '../../serve/exports/persist/services.js';
import { RUN_MARK } from '../../serve/exports/processes.js';
import { programMark } from '../../serve/exports/program.js';
import { CREATE, PLACE, removeCommand, removeUnplacedCommand } from '../../serve/storage/files.js';
import type { BuildFacts, HostPlan } from './judge.js';
import type { Installed, Look } from './look.js';
import type { Wanted } from './wanted.js';

export interface ScriptCase {
  plan: HostPlan;
  look: Look;
  state: StateFolder;
  builds: Readonly<Record<string, BuildFacts>>;
  /** Files that exports made go with them even where they hold data. */
  removeFiles: boolean;
  /** Seconds that targets have to begin to listen. */
  patience: number;
}

/** Held to the script's end: aoe-lab does nothing there meanwhile, and is not at work when it begins. */
function head({ folder }: StateFolder): string[] {
  return [
    'LC_ALL=C; export LC_ALL',
    'umask 077',
    `${quoteArgv(makeStateCommand(folder))} && cd ${quote(folder)} || exit 1`,
    'exec 9< .; flock --nonblock 9 || { echo "aoe-lab is at work on this host" >&2; exit 1; }',
  ];
}

/** Writes a file as a whole or not at all. */
const PUT = `put() {
  part="\${2%/*}/.\${2##*/}.000000000000.tmp"
  mkdir -p "\${2%/*}" && (umask 077 && printf %s "$3" > "$part") && chmod "$1" "$part" && mv "$part" "$2"
}`;

function put(path: string, text: string, mode: number): string {
  return `put ${mode.toString(8)} ${quote(path)} ${quote(text)} || exit 1`;
}

function putEntry(state: StateFolder, entry: ExportEntry): string {
  return put(state.entryPath(exportId(entry)), `${JSON.stringify(entry, null, 2)}\n`, 0o600);
}

function putInstalled(state: StateFolder, installed: Installed): string {
  return put(posix.join(state.persistFolder(), 'installed.json'), JSON.stringify(installed), 0o644);
}

const unit = (service: string): string => quote(`${service}.service`);

/** Ends what is not wanted any more, and stops for a while what changes. */
export function stopScript({ plan, state }: ScriptCase): string {
  return script([
    ...head(state),
    PUT,
    // 5: its unit is gone, or a killed run had not come to write it.
    'stop() { systemctl stop "$1" || [ $? -eq 5 ] || exit 1; }',
    ...plan.ending.map((entry) => putEntry(state, { ...entry, phase: 'stopping' })),
    ...plan.surplus
      .toReversed()
      .map((name) => `stop ${unit(name)}; systemctl --quiet disable ${unit(name)} 2> /dev/null || :`),
    ...plan.paused.map((name) => `stop ${unit(name)}`),
  ]);
}

/**
 * Entries are written first: what a killed run has left is found by the next one, and by aoe-lab. Files that are missing are
 * made under a name of their own; `ID made … NAME` is printed for each.
 */
export function prepareScript({ plan, state }: ScriptCase): string {
  const absent = plan.making.filter(({ making }) => making !== undefined);
  return script([
    ...head(state),
    PUT,
    'mkdir -p exports logs persist artifacts || exit 1',
    ...plan.making.flatMap(({ before }) => {
      const { making, path } = before?.backing ?? {};
      return making === undefined || path === undefined
        ? []
        : [quoteArgv(removeUnplacedCommand(path, making))];
    }),
    ...plan.making.map((one) => putEntry(state, startingOf(one))),
    ...(plan.installing === null ? [] : [putInstalled(state, plan.installing)]),
    ...absent.map(({ id, entry: { backing }, making = '' }) => {
      const argv = ['sh', '-c', CREATE, 'sh', posix.dirname(backing.path), making, String(backing.size)];
      return `made=$(${quoteArgv(argv)}) || exit 1; printf '%s %s %s\\n' ${quote(id)} "$made" ${quote(making)}`;
    }),
  ]);
}

function startingOf({ entry, making }: Wanted): ExportEntry {
  const { backing } = entry;
  return {
    ...entry,
    phase: 'starting',
    backing: { ...backing, ...(making === undefined ? {} : { making }) },
  };
}

/** Gives files that were made their names, writes what keeps exports, starts it, and notes that they run. */
export function finishScript(all: ScriptCase): string {
  const { plan, state } = all;
  const made = plan.making.filter(({ making }) => making !== undefined);
  const begun = [...plan.restarting, ...plan.starting];
  const enabled = begun.map(unit).join(' ');
  const noted = plan.wanted.filter(
    (one) =>
      plan.making.includes(one) ||
      ofExport(plan.services, one.entry).some(({ name }) => begun.includes(name)),
  );
  return script([
    ...head(state),
    PUT,
    'mkdir -p exports logs persist artifacts || exit 1',
    ...made.flatMap(({ id, entry, making = '' }) => {
      const { path } = entry.backing;
      const argv = ['sh', '-c', PLACE, 'sh', posix.dirname(path), making, posix.basename(path)];
      const failed = `${id}: ${path} could not be made: somebody made a file of that name meanwhile`;
      return [
        putEntry(state, startingOf({ id, entry, making, before: undefined })),
        `${quoteArgv(argv)} || { echo ${quote(failed)} >&2; exit 1; }`,
      ];
    }),
    ...unpacking(all),
    ...plan.writing.map(({ path, text, mode }) => put(path, text, mode)),
    ...(begun.length === 0
      ? []
      : [`systemctl daemon-reload && systemctl --quiet enable ${enabled} || exit 1`]),
    // Their units may write to the folder of these links only where it is there before.
    ...plan.wanted.flatMap(({ entry }) => {
      const argv = diskCommand(entry);
      return argv === undefined ? [] : [`${quoteArgv(argv)} || exit 1`];
    }),
    ...marking(plan),
    ...start('restart', plan.restarting),
    ...start('start', plan.starting),
    ...listening(all),
    ...noted.map((one) => putRunning(all, one)),
    putInstalled(state, plan.installed),
  ]);
}

/** Programs get the name of their build when they are whole, and run there. */
function unpacking({ plan, builds }: ScriptCase): string[] {
  return plan.builds.flatMap((build) => {
    const { artifacts = [], node } = builds[build] ?? {};
    const folder = `artifacts/${build}`;
    return [
      `rm -rf ${quote(folder)} ${quote(`${folder}.part`)} && mkdir -m 755 ${quote(`${folder}.part`)} || exit 1`,
      `tar --no-same-owner -C ${quote(`${folder}.part`)} -xzf ${quote(`${folder}.tar.gz`)} || exit 1`,
      // Those of this package are not linked.
      ...(node === undefined ? artifacts : []).map(
        (name) => `! ldd ${quote(`${folder}.part/${name}`)} | grep 'not found' >&2 || exit 1`,
      ),
      `mv ${quote(`${folder}.part`)} ${quote(folder)} && rm -f ${quote(`${folder}.tar.gz`)} || exit 1`,
    ];
  });
}

/** All in one go: systemd knows which needs which. */
function start(verb: string, services: readonly string[]): string[] {
  return services.length === 0 ? [] : [`systemctl ${verb} ${services.map(unit).join(' ')} || exit 1`];
}

/** What was said before is no cause of what fails now. */
function marking({ services, restarting, starting }: ScriptCase['plan']): string[] {
  const begun = new Set([...restarting, ...starting]);
  return [
    MARK_LOG,
    ...services.flatMap((service) =>
      service.kind === 'program' && begun.has(service.name)
        ? [quoteArgv(['mark_log', service.program.log, service.members.map(exportId).join(',')])]
        : [],
    ),
  ];
}

/** With the processes that serve it. */
function putRunning({ look, state }: ScriptCase, { entry }: Wanted): string {
  const facts = findInterface(look.interfaces, entry.iface);
  if (facts === undefined) throw new TypeError(`${entry.iface} was looked at before`);
  const { making: _, ...backing } = entry.backing;
  const running = { ...entry, phase: 'running' as const, backing, started: startedOn(facts, []) };
  const [before = '', after = ''] = `${JSON.stringify(running, null, 2)}\n`.split(/"pids": \[\](?=[^[]*$)/);
  const text = `${quote(`${before}"pids": [`)}"$(pids_of ${quote(programMark(state, entry))})"${quote(`]${after}`)}`;
  return `put 600 ${quote(state.entryPath(exportId(entry)))} ${text} || exit 1`;
}

/** Waits until each target has a packet socket on its interfaces; tells of one that has none what it said last. */
function listening({ plan, state, patience }: ScriptCase): string[] {
  const programs = plan.services.filter((one) => one.kind === 'program');
  const places = programs.flatMap((service) =>
    [...new Set(service.members.map(({ iface }) => iface))].map((iface) => ({ service, iface })),
  );
  const asked = places.map(({ service, iface }) => quoteArgv(['listens', markOf(state, service), iface]));
  const failed = places.map(({ service, iface }, index) => {
    const said = quote(`${service.name} does not listen on ${iface}`);
    return `    ${asked[index]} || { echo ${said}; said ${quote(service.program.log)}; } >&2`;
  });
  if (places.length === 0) return [LISTENS];
  return [
    LISTENS,
    SAID,
    `tries=${Math.ceil(patience * 5)}`,
    `until ${asked.join(' && ')}; do`,
    '  tries=$((tries - 1))',
    '  if [ "$tries" -le 0 ]; then',
    ...failed,
    '    exit 1',
    '  fi',
    '  sleep 0.2',
    'done',
  ];
}

function markOf(state: StateFolder, { members }: Service): string {
  return programMark(state, members[0] as ExportEntry);
}

// Anybody can set a mark.
const LISTENS = `environments() {
  # What others have in their memory can hold up whoever reads it.
  own=
  for status in $(grep -lsE "^Uid:[[:space:]]*$(id -u)[[:space:]]" /proc/[0-9]*/status); do
    own="$own \${status%status}environ"
  done
  grep -lszxF "${RUN_MARK}=$1" $own /dev/null
}
pids_of() {
  separator=
  for environment in $(environments "$1"); do
    pid=\${environment#/proc/}
    printf '%s%s' "$separator" "\${pid%/environ}"; separator=', '
  done
}
# $1: its mark, $2: the interface
listens() {
  index=$(ip -o link show dev "$2" | cut -d: -f1)
  for environment in $(environments "$1"); do
    process=\${environment%/environ}
    {
      find "$process/fd" -maxdepth 1 -lname 'socket:*' -printf '%l\\n'
      cat "$process/net/packet"
    } 2> /dev/null | awk -v index_of="$index" '
      /^socket:/ { gsub(/[^0-9]/, ""); own[$0] = 1; next }
      NF == 9 && ($5 == index_of || $5 == 0) && ($9 in own) { found = 1 }
      END { exit !found }' && return 0
  done
  return 1
}`;

/** Removes what has ended: of files only what was made, as \`unexport\` does. */
export function forgetScript({ plan, look, state, removeFiles }: ScriptCase): string {
  const daemons = plan.stale.filter((path) => path.startsWith(`${state.daemonsFolder()}/`));
  const inState = (...names: string[]): string =>
    names.map((name) => quote(posix.join(state.folder, name))).join(' ');
  return script([
    ...head(state),
    ...plan.stale.map((path) => `rm -f ${quote(path)}`),
    ...daemons.map((path) => `rm -rf ${quote(posix.dirname(path))}`),
    ...(plan.stale.length === 0 ? [] : ['systemctl daemon-reload || exit 1']),
    ...plan.surplus.map((name) => `systemctl reset-failed ${unit(name)} 2> /dev/null || :`),
    ...plan.orphaned.flatMap(({ backing }) => removals(backing, look.bootId, removeFiles)),
    ...plan.ending.map((entry) => `rm -f ${quote(state.entryPath(exportId(entry)))}`),
    ...plan.outdated.map((name) => `rm -rf ${inState(`artifacts/${name}`)}`),
    ...(plan.wanted.length === 0 ? [`rm -rf ${inState('persist')}`] : []),
    // Logs outlive their exports.
    ...(plan.isLast
      ? [
          `rm -rf ${inState('exports', 'artifacts', 'daemons', 'modules', 'disks')}`,
          `find ${inState('logs')} -type f \\( -mtime +13 -o -size 0 -o -name '*.run' \\) -exec rm -f {} + 2> /dev/null`,
          `rmdir ${inState('logs')} 2> /dev/null || :`,
        ]
      : []),
  ]);
}

function removals(
  { path, making, made, madeAs, pinned, opens }: ExportEntry['backing'],
  bootId: string,
  removeFiles: boolean,
): string[] {
  return [
    ...(pinned ? [`rm -f ${quote(opens)}`] : []),
    ...(making === undefined ? [] : [quoteArgv(removeUnplacedCommand(path, making))]),
    ...(made && madeAs !== undefined
      ? [
          `printf '%s: ' ${quote(path)}; ${quoteArgv(removeCommand(path, madeAs, bootId, removeFiles))} || exit 1`,
        ]
      : []),
  ];
}

function script(lines: readonly string[]): string {
  return `${lines.join('\n')}\n:\n`;
}
