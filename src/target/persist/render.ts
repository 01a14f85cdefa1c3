/** The files that bring exports back after a reboot, from their entries. Reads this package's templates, nothing of a host. */
import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { escapeLine } from '../../escape.js';
import type { PreparedLink } from '../../host/prepare/links.js';
import { quote, quoteArgv } from '../../host/quote.js';
import { packageRoot } from '../../paths.js';
import { attachWords, loopFunctions } from '../../storage/loop.js';
import { render, renderArgv } from '../../templating.js';
import { diskCommand, diskList } from '../disk-link.js';
import { type ExportEntry, exportId, type StateFolder } from '../entry.js';
import { loopOptions } from '../loops.js';
import { RUN_MARK } from '../processes.js';
import { daemonConfiguration, disksPath, type Program } from '../program.js';
import { guarded, supervised } from '../supervise.js';
import { exportVariables } from '../variables.js';
import type { ManagerKind } from './manager.js';
import { bootServiceName, lateFile, loopLink, loopRecord, scriptPath } from './names.js';
import { SCRIPT_FOLDER } from './openrc.js';
import { keptPath, type Service, servicesOf } from './services.js';
import { UNIT_FOLDER } from './systemd.js';
import { commandLine, commandWord, deviceUnit, mountUnits, plainText, unitWord } from './words.js';

export interface PersistFile {
  path: string;
  mode: number;
  text: string;
}

/** A file before its variables are put in. */
export interface PersistDraft {
  path: string;
  mode: number;
  /** Of the service that it is for; undefined: of all of them. */
  service?: Service;
  /** Handlebars; named without `.hbs`. */
  template: { name: string; text: string };
  variables: object;
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
  const { services, drafts } = draftPersistence(state, entries, place);
  return {
    services: services.map(({ name }) => name),
    files: drafts.map(({ path, mode, template, variables }) => ({
      path,
      mode,
      text: render(template.text, variables),
    })),
  };
}

/** The same as templates and what goes into them. */
export function draftPersistence(
  state: StateFolder,
  entries: readonly ExportEntry[],
  place: Place,
): { services: Service[]; drafts: PersistDraft[] } {
  const services = servicesOf(state, entries);
  const drafts = services.flatMap((service) => draftService(state, service, place));
  const names = services.map(({ name }) => name);
  // What is started at boot comes before what is to be started.
  return { services, drafts: [...bootFiles(state, names, place), ...drafts] };
}

/** The files of one service. */
export function draftService(state: StateFolder, service: Service, place: Place): PersistDraft[] {
  return [
    ...scriptOf(state, service, place),
    ...unitOf(state, service, place),
    ...configurationOf(state, service),
  ].map((draft) => ({ ...draft, service }));
}

/** systemd starts programs without a shell. */
function scriptOf(state: StateFolder, service: Service, place: Place): PersistDraft[] {
  if (service.kind === 'program' && place.manager === 'systemd') return [];
  const draft =
    service.kind === 'program'
      ? programScript(service.program, idsOf(service), scriptPath(state, service.name))
      : service.kind === 'module'
        ? moduleScript(state, onlyOf(service), lateFile(state, service.name))
        : service.kind === 'link'
          ? linkScript(service.link, lateFile(state, service.name))
          : loopScript(state, onlyOf(service), lateFile(state, service.name));
  return [{ path: scriptPath(state, service.name), mode: 0o755, ...draft }];
}

function unitOf(state: StateFolder, service: Service, { manager, udev }: Place): PersistDraft[] {
  if (manager === 'scripts') return [];
  const program = service.kind === 'program' ? service.program : undefined;
  const { needs } = service;
  const description = `AoE export ${idsOf(service)}${PARTS[service.kind]}`;
  const script = scriptPath(state, service.name);
  if (manager === 'openrc') {
    const variables = { description: quote(description), needs, script: quote(script), stop: program?.stop };
    const draft = drafted(program === undefined ? 'openrc-task' : 'openrc-program', variables);
    return [{ path: `${SCRIPT_FOLDER}/${service.name}`, mode: 0o755, ...draft }];
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
  const draft =
    program === undefined
      ? drafted('task.service', {
          ...common,
          script: commandWord(script),
          ...RIGHTS[service.kind as keyof typeof RIGHTS],
        })
      : drafted('program.service', { ...common, ...programVariables(service, program) });
  return [{ path: `${UNIT_FOLDER}/${service.name}.service`, mode: 0o644, ...draft }];
}

/** What a service is of an export, where it is not the whole of it. */
const PARTS = { link: ': interface', loop: ': loop device', module: '', program: '' };

const RIGHTS = {
  link: {
    capabilities: 'CAP_NET_ADMIN CAP_DAC_OVERRIDE',
    calls: '@system-service',
    // ip(8) may go by an ordinary socket.
    families: 'AF_UNIX AF_NETLINK AF_INET',
  },
  loop: { capabilities: 'CAP_SYS_ADMIN CAP_DAC_OVERRIDE', calls: '@system-service', families: 'AF_UNIX' },
  /** Kernel code that opens devices and interfaces does so in the name of whoever told it to. */
  module: {
    capabilities: 'CAP_SYS_MODULE CAP_SYS_ADMIN CAP_SYS_RAWIO CAP_NET_ADMIN CAP_NET_RAW CAP_DAC_OVERRIDE',
    calls: '@system-service @module',
    families: 'AF_UNIX',
  },
};

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

function programVariables({ members }: Service, program: Program): object {
  const [entry] = members as [ExportEntry, ...ExportEntry[]];
  const { backing, control, options } = entry;
  const run = control.shape === 'control-file' ? [] : control.run;
  return {
    environment: unitWord(`${RUN_MARK}=${program.mark}`),
    cwd: plainText(program.cwd),
    before: program.before.map(commandLine),
    command: commandLine(guarded(program.argv, [], program.beside)),
    stop: program.stop,
    logFile: plainText(program.log),
    daemon: control.shape === 'daemon',
    writable: [
      ...(backing.kind === 'file' && !backing.loop && !options.readOnly ? [backing.opens] : []),
      ...(backing.pinned ? [posix.dirname(backing.opens)] : []),
    ].map(unitWord),
    devices: devicesOf(backing),
    // node makes machine code as it goes.
    compiles: run.includes('{{node}}'),
  };
}

/** What the device of a number that moves is called, nobody knows before the start. */
function devicesOf({ kind, loop, pinned, opens }: ExportEntry['backing']): string[] {
  if (loop) return ['block-loop'];
  if (kind === 'file') return [];
  return pinned ? ['block-*'] : [unitWord(opens)];
}

function linkScript({ name, mtu, vlan }: PreparedLink, late: string): Draft {
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
  return drafted('link.sh', {
    name: quote(name),
    late: quote(late),
    make: make && quoteArgv(make),
    set: quoteArgv(['ip', 'link', 'set', 'dev', name, ...(mtu === undefined ? [] : ['mtu', `${mtu}`]), 'up']),
  });
}

function loopScript(state: StateFolder, entry: ExportEntry, late: string): Draft {
  const { name } = entry.backing;
  return drafted('loop.sh', {
    id: exportId(entry),
    file: quote(name),
    record: quote(loopRecord(state, entry)),
    link: quote(loopLink(state, entry)),
    late: quote(late),
    options: quoteArgv(attachWords(loopOptions(entry))),
  });
}

function moduleScript(state: StateFolder, entry: ExportEntry, late: string): Draft {
  const { control } = entry;
  if (control.shape !== 'control-file') throw new TypeError(`${control.shape} is not a module`);
  const variables = exportVariables(state, entry, keptPath(state, entry));
  const lines = (written: typeof control.add): { line: string; path: string }[] =>
    written.map(({ line, path }) => ({
      line: quote(render(line, variables)),
      path: quote(render(path, variables)),
    }));
  const disk = diskCommand(entry);
  return drafted('module.sh', {
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

function programScript(program: Program, ids: string, path: string): Draft {
  return drafted('program.sh', {
    ids,
    mark: quote(program.mark),
    logFile: quote(program.log),
    cwd: quote(program.cwd),
    command: quoteArgv(guarded(program.argv, program.before, program.beside)),
    // By the script, which may be another one by the next start.
    supervised: quoteArgv(supervised(['sh', path, 'run'], 'on-failure')),
    stop: program.stop,
  });
}

function configurationOf(state: StateFolder, service: Service): PersistDraft[] {
  const entry = onlyOf(service);
  if (service.kind !== 'program' || entry.control.shape !== 'daemon') return [];
  const members = service.members.map((entry) => ({ entry, path: keptPath(state, entry) }));
  const { path, variables } = daemonConfiguration(state, entry, members);
  const name = posix.basename(entry.control.config.template, '.hbs');
  const disks = diskList(service.members);
  const list = { path: disksPath(state, entry), mode: 0o600 };
  return [
    { path, mode: 0o600, template: { name, text: entry.template ?? '' }, variables },
    ...(disks === ''
      ? []
      : [{ ...list, template: { name: 'disks', text: '{{{disks}}}' }, variables: { disks } }]),
  ];
}

function bootFiles(
  state: StateFolder,
  services: readonly string[],
  { manager, initScripts }: Place,
): PersistDraft[] {
  if (manager !== 'scripts' || services.length === 0) return [];
  const name = bootServiceName(state);
  const boot = scriptPath(state, name);
  const scripts = services.map((service) => quote(scriptPath(state, service)));
  return [
    { path: boot, mode: 0o755, ...drafted('boot.sh', { scripts, reversed: scripts.toReversed() }) },
    ...(initScripts
      ? [{ path: `/etc/init.d/${name}`, mode: 0o755, ...drafted('init', { name, boot: quote(boot) }) }]
      : []),
  ];
}

type Draft = Pick<PersistDraft, 'template' | 'variables'>;

function drafted(name: string, variables: object): Draft {
  const read = (file: string): string =>
    readFileSync(join(packageRoot, 'templates', 'persist', `${file}.hbs`), 'utf8');
  // What scripts have in common is part of the template, which is translated for Ansible as a whole.
  const text = read(name)
    .replace('{{> again}}\n', () => read('again'))
    .replace('{{> loops}}\n', loopFunctions);
  return { template: { name, text }, variables };
}

function idsOf({ members }: Service): string {
  return members.map(exportId).join(', ');
}

function onlyOf({ members }: Service): ExportEntry {
  return members[0] as ExportEntry;
}
