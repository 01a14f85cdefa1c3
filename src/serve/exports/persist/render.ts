/** The files that bring exports back after a reboot, from their entries. Reads this package's templates, nothing of a host. */
import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { escapeLine } from '../../../base/escape.js';
import { packageRoot } from '../../../base/files/paths.js';
import { render, renderArgv } from '../../../base/templating.js';
import { withEnvironment, withoutStrays } from '../../../hosts/host/clean-start.js';
import { quote, quoteArgv } from '../../../hosts/host/quote.js';
import type { PreparedLink } from '../../../hosts/prepare/links.js';
import { type Confinement, confined } from '../../../hosts/tools/confine.js';
import { attachWords, loopFunctions } from '../../storage/loop.js';
import { diskCommand, diskList } from '../disk-link.js';
import { type ExportEntry, exportId, type StateFolder } from '../entry.js';
import { exposedPath } from '../exposed.js';
import { loopOptions } from '../loops.js';
import { RUN_MARK } from '../processes.js';
import { daemonConfiguration, disksPath, type Program } from '../program.js';
import { guarded, supervised } from '../supervise.js';
import { exportVariables } from '../variables.js';
import { lateDisksCommand } from './late-disks.js';
import { bootServiceName, lateFile, loopLink, loopRecord, scriptPath } from './names.js';
import { SCRIPT_FOLDER } from './openrc.js';
import { LATE_DISKS_SETTINGS, type Setting, taskSettings } from './sandbox.js';
import type { ManagerKind } from './service-manager.js';
import { keptPath, type Service, servicesOf } from './services.js';
import { UNIT_FOLDER } from './systemd.js';
import { commandLine, commandWord, deviceUnit, mountUnits, plainText, unitWord } from './words.js';

export interface PersistFile {
  path: string;
  mode: number;
  text: string;
}

export interface Persistence {
  /** Names of the services, each after those it needs. */
  services: string[];
  files: PersistFile[];
}

/** What of a host decides how it is done there. */
export interface Place {
  manager: ManagerKind;
  /** System V's init scripts are called at boot. */
  initScripts?: boolean;
  /** udev runs: systemd knows when an interface or a disk is there. */
  udev?: boolean;
  /** By which scripts take rights from what they start. Default: none. */
  confinement?: Confinement;
}

/**
 * Units or scripts, and the configurations of daemons, for entries that are to come back after a reboot.
 * @throws UsageError as `render`
 */
export function renderPersistence(
  state: StateFolder,
  entries: readonly ExportEntry[],
  place: Place,
): Persistence {
  const all = servicesOf(state, entries);
  const services = all.map(({ name }) => name);
  const files = all.flatMap((service) => serviceFiles(state, service, place));
  // What is started at boot comes before what is to be started.
  return { services, files: [...bootFiles(state, services, place), ...files] };
}

/** The files of one service. */
export function serviceFiles(state: StateFolder, service: Service, place: Place): PersistFile[] {
  return [
    ...scriptOf(state, service, place),
    ...unitOf(state, service, place),
    ...configurationOf(state, service),
  ];
}

/** systemd starts programs without a shell. */
function scriptOf(state: StateFolder, service: Service, place: Place): PersistFile[] {
  if (service.kind === 'program' && place.manager === 'systemd') return [];
  const text =
    service.kind === 'program'
      ? programScript(service.program, idsOf(service), scriptPath(state, service.name), place)
      : service.kind === 'module'
        ? moduleScript(state, onlyOf(service), lateFile(state, service.name))
        : service.kind === 'link'
          ? linkScript(service.link, lateFile(state, service.name))
          : loopScript(state, onlyOf(service), lateFile(state, service.name));
  return [{ path: scriptPath(state, service.name), mode: 0o755, text }];
}

function unitOf(state: StateFolder, service: Service, { manager, udev }: Place): PersistFile[] {
  if (manager === 'scripts') return [];
  const program = service.kind === 'program' ? service.program : undefined;
  const { needs } = service;
  const description = `AoE export ${idsOf(service)}${PARTS[service.kind]}`;
  const script = scriptPath(state, service.name);
  if (manager === 'openrc') {
    const variables = { description: quote(description), needs, script: quote(script), stop: program?.stop };
    const text = rendered(program === undefined ? 'openrc-task' : 'openrc-program', variables);
    return [{ path: `${SCRIPT_FOLDER}/${service.name}`, mode: 0o755, text }];
  }
  const common = {
    description: plainText(escapeLine(description)),
    needed: [
      ...(udev === false ? [] : appearing(service).map(deviceUnit)),
      ...needs.map((name) => `${name}.service`),
      ...mounts(service),
    ],
    state: unitWord(state.folder),
  };
  const path = `${UNIT_FOLDER}/${service.name}.service`;
  if (service.kind !== 'program') {
    const settings = settingLines(taskSettings(service.kind));
    const text = rendered('task.service', { ...common, script: commandWord(script), settings });
    return [{ path, mode: 0o644, text }];
  }
  const late = lateDisksUnit(service, common.description, path);
  const variables = {
    ...common,
    ...programVariables(service.program),
    beside: late && posix.basename(late.path),
    settings: settingLines(service.program.settings),
  };
  const text = rendered('program.service', variables);
  return [{ path, mode: 0o644, text }, ...(late === undefined ? [] : [late])];
}

/** Beside the unit of a daemon that is to open disks. */
function lateDisksUnit(service: Service, description: string, unitFile: string): PersistFile | undefined {
  if (service.kind !== 'program' || onlyOf(service).control.shape !== 'daemon') return undefined;
  const argv = lateDisksCommand(service.program, unitFile);
  if (argv === undefined) return undefined;
  const text = rendered('disks.service', {
    description,
    unit: `${service.name}.service`,
    command: commandLine(argv),
    settings: settingLines(LATE_DISKS_SETTINGS),
  });
  return { path: `${UNIT_FOLDER}/${service.name}-disks.service`, mode: 0o644, text };
}

/** What a service is of an export, where it is not the whole of it. */
const PARTS = { link: ': interface', loop: ': loop device', module: '', program: '' };

const settingLines = (settings: readonly Setting[]): string[] =>
  settings.map(([name, value]) => `${name}=${value}`);

/** Paths of the interfaces and disks that a service waits for. */
function appearing(service: Service): string[] {
  const { kind, members } = service;
  if (kind === 'loop') return [];
  if (kind === 'link') return service.link.vlan === undefined ? [interfacePath(service.link.name)] : [];
  const interfaces = members.map(({ iface }) => interfacePath(iface));
  const disks = members
    .filter(({ backing }) => backing.kind === 'device')
    .map(({ backing }) => (backing.pinned ? backing.name : backing.opens));
  return [...new Set([...interfaces, ...disks])];
}

/** Systemd's name of it, below which udev has it known. */
function interfacePath(iface: string): string {
  return `/sys/subsystem/net/devices/${iface}`;
}

/** Units of the file systems that files may lie on. */
function mounts({ kind, members }: Service): string[] {
  if (kind === 'link') return [];
  const files = members.filter(({ backing }) => backing.kind === 'file');
  return [...new Set(files.flatMap(({ backing }) => [backing.name, backing.path].flatMap(mountUnits)))];
}

function programVariables(program: Program): object {
  const env = { [RUN_MARK]: program.mark };
  return {
    environment: unitWord(`${RUN_MARK}=${program.mark}`),
    cwd: plainText(program.cwd),
    before: program.before.map(commandLine),
    command: commandLine(withEnvironment(guarded(program.argv, [], program.beside), env)),
    stop: program.stop,
    logFile: plainText(program.log),
  };
}

function linkScript({ name, mtu, vlan }: PreparedLink, late: string): string {
  const make = vlan && [
    'ip',
    'link',
    'add',
    'link',
    vlan.on,
    'name',
    name,
    'type',
    'vlan',
    'id',
    `${vlan.id}`,
  ];
  return rendered('link.sh', {
    name: quote(name),
    late: quote(late),
    make: make && quoteArgv(make),
    set: quoteArgv(['ip', 'link', 'set', 'dev', name, ...(mtu === undefined ? [] : ['mtu', `${mtu}`]), 'up']),
  });
}

function loopScript(state: StateFolder, entry: ExportEntry, late: string): string {
  const { name } = entry.backing;
  const exposed = exposedPath(entry);
  return rendered('loop.sh', {
    id: exportId(entry),
    file: quote(name),
    record: quote(loopRecord(state, entry)),
    link: quote(loopLink(state, entry)),
    late: quote(late),
    options: quoteArgv(attachWords(loopOptions(entry))),
    exposed: exposed === undefined ? null : quote(exposed),
  });
}

function moduleScript(state: StateFolder, entry: ExportEntry, late: string): string {
  const { control } = entry;
  if (control.shape !== 'control-file') throw new TypeError(`${control.shape} is not a module`);
  const variables = exportVariables(state, entry, keptPath(state, entry));
  const lines = (written: typeof control.add): { line: string; path: string }[] =>
    written.map(({ line, path }) => ({
      line: quote(render(line, variables)),
      path: quote(render(path, variables)),
    }));
  const disk = diskCommand(entry);
  return rendered('module.sh', {
    id: exportId(entry),
    late: quote(late),
    disk: disk && quoteArgv(disk),
    implementation: entry.implementation,
    module: control.module,
    logFile: quote(state.logPath(control.module)),
    builds: Object.values(variables.artifact).map(quote),
    ready: quote(control.ready),
    mark: quote(`${state.modulesFolder()}/${control.module}`),
    load: control.load.map((argv) => quoteArgv(renderArgv(argv, variables))).join(' && '),
    add: lines(control.add),
    remove: lines(control.remove),
  });
}

function programScript(program: Program, ids: string, path: string, { confinement = 'none' }: Place): string {
  // Whoever calls a script has an environment and open files of its own.
  const least = (argv: readonly string[]): string => {
    const words = confined(argv, program.capabilities, confinement);
    return quoteArgv(withEnvironment(withoutStrays(words), { [RUN_MARK]: program.mark }));
  };
  return rendered('program.sh', {
    ids,
    mark: quote(program.mark),
    logFile: quote(program.log),
    cwd: quote(program.cwd),
    command: least(guarded(program.argv, program.before, program.beside)),
    // By the script, which may be another one by the next start.
    supervised: least(supervised(['sh', path, 'run'], 'on-failure')),
    stop: program.stop,
  });
}

function configurationOf(state: StateFolder, service: Service): PersistFile[] {
  const entry = onlyOf(service);
  if (service.kind !== 'program' || entry.control.shape !== 'daemon') return [];
  const members = service.members.map((entry) => ({ entry, path: keptPath(state, entry) }));
  const disks = { path: disksPath(state, entry), text: diskList(service.members) };
  const configuration = daemonConfiguration(state, entry, members, service.held);
  return [configuration, ...(disks.text === '' ? [] : [disks])].map((file) => ({
    ...file,
    mode: 0o600,
  }));
}

function bootFiles(
  state: StateFolder,
  services: readonly string[],
  { manager, initScripts }: Place,
): PersistFile[] {
  if (manager !== 'scripts' || services.length === 0) return [];
  const name = bootServiceName(state);
  const boot = scriptPath(state, name);
  const scripts = services.map((service) => quote(scriptPath(state, service)));
  return [
    { path: boot, mode: 0o755, text: rendered('boot.sh', { scripts, reversed: scripts.toReversed() }) },
    ...(initScripts
      ? [{ path: `/etc/init.d/${name}`, mode: 0o755, text: rendered('init', { name, boot: quote(boot) }) }]
      : []),
  ];
}

function rendered(name: string, variables: object): string {
  const read = (file: string): string =>
    readFileSync(join(packageRoot, 'templates', 'persist', `${file}.hbs`), 'utf8');
  const text = read(name)
    .replace('{{> again}}\n', () => read('again'))
    .replace('{{> loops}}\n', loopFunctions);
  return render(text, variables);
}

function idsOf({ members }: Service): string {
  return members.map(exportId).join(', ');
}

function onlyOf({ members }: Service): ExportEntry {
  return members[0] as ExportEntry;
}
