import { posix } from 'node:path';
import { LabError, linesOf } from '../../base/errors.js';
import { pollUntil } from '../../base/poll.js';
import { renderArgv } from '../../base/templating.js';
import { confined, confinementOf } from '../../hosts/tools/confine.js';
import { diskList, disksCommand, disksWatch } from './disk-link.js';
import type { Action, Driver, Preview } from './driver.js';
import { type ExportEntry, exportId, isWanted, without } from './entry.js';
import { waitUntilReleased } from './listening.js';
import { ownLoops } from './loops.js';
import { processesOf, signalCommand, signalProcesses } from './processes.js';
import {
  daemonConfiguration,
  daemonControl,
  disksPath,
  type Program,
  programName,
  programOf,
} from './program.js';
import { ProgramDriver } from './program-driver.js';
import { handlersOf } from './tellable.js';
import { exportedPath, exportedPathIfAny, exportVariables } from './variables.js';

type Change =
  | { by: 'signal'; signal: string }
  | { by: 'command'; argv: string[]; otherwise?: string }
  | { by: 'restart' };

const POLL = 20;
/** Milliseconds that a daemon may take to be idle. */
const PATIENCE = 20_000;

/** `$1` a file, the rest processes: whether one that lives does not see it, or could not write to it as others can. */
const HIDDEN = `file=$1; shift
[ -e "$file" ] || exit 1
for p; do
  [ -e "/proc/$p/root/" ] || continue
  [ -e "/proc/$p/root$file" ] || exit 0
  [ ! -w "$file" ] || [ -w "/proc/$p/root$file" ] || exit 0
done
exit 1`;

/**
 * One daemon for all exports of one build in one network namespace. Its configuration is rendered from their entries at
 * each change; the entries are the truth, so a configuration that a killed command left behind does no harm.
 */
export class DaemonDriver extends ProgramDriver implements Driver {
  async preview(entry: ExportEntry, path: string): Promise<Preview> {
    const members = await this.#members(entry);
    const files = [await this.#configuration(entry, [...members, entry], path)];
    const run = await this.launcher.preview(this.#program(entry, members, path));
    const pids = (await this.#pids(entry)).map(String);
    if (pids.length === 0) return { commands: [run], files };
    const commands = this.#changes(entry, 'add', members, path).flatMap((change) => {
      if (change.by === 'signal') return [['kill', `-${change.signal}`, ...pids]];
      if (change.by === 'command') return [change.argv];
      return [['kill', `-${daemonControl(entry).stop}`, ...pids], run];
    });
    return { commands, files };
  }

  async start(entry: ExportEntry): Promise<void> {
    const action = await this.#startAction(entry);
    await action.run();
  }

  /** One that can be idle is started without the export. Its configuration may stay: the entries are the truth. */
  async prepareStart(entry: ExportEntry): Promise<Action> {
    const others = without(await this.#members(entry), entry);
    // Told of no export at all it forgets what it keeps of those it had.
    const mayIdle = daemonControl(entry).idle !== undefined && others.length === 0;
    if (mayIdle && (await this.#pids(entry)).length === 0) await this.#runIdle(entry);
    return this.#startAction(entry);
  }

  async stop(entry: ExportEntry): Promise<void> {
    const isHeld = entry.held !== undefined;
    // It serves the others, and forgets what it keeps of this one.
    if (isHeld && (await this.#members(entry)).length > 0) return this.#forget(entry);
    if (without(await this.#members(entry), entry).length > 0) {
      const action = await this.prepareStop(entry);
      return action.run();
    }
    await this.launcher.stop(this.#program(entry, [], ''));
    if ((await this.#held(entry)).length === 0) await this.store.host.remove(this.mark(entry));
    else await this.#configure(entry, []);
  }

  async #forget(entry: ExportEntry): Promise<void> {
    if (daemonControl(entry).change.by === 'signal') await this.retell(entry);
  }

  /** Its folder stays, with what it keeps of the export. */
  async prepareStop(entry: ExportEntry): Promise<Action> {
    const { host } = this.store;
    const others = without(await this.#members(entry), entry);
    if (others.length === 0) return this.launcher.prepareStop(this.#program(entry, [], ''));
    const pids = await this.#tellable(entry);
    await this.#configure(entry, others);
    if (pids === undefined) return { run: () => this.restart(others[0] as ExportEntry) };
    if (pids.length === 0) return { run: async () => {} };
    // Without its loop device there is nothing that it could serve the export from.
    const path = (await exportedPathIfAny(this.store, entry)) ?? entry.backing.path;
    const changes = this.#changes(entry, 'remove', others, path);
    const opened = await this.#opened(entry);
    const paths = await Promise.all(others.map((other) => this.#opened(other)));
    return {
      run: async () => {
        await this.#carryOut(entry, changes, pids);
        if (!paths.includes(opened)) await waitUntilReleased(host, await this.#pids(entry), opened);
      },
    };
  }

  async #startAction(entry: ExportEntry): Promise<Action> {
    const members = await this.#members(entry);
    const path = await exportedPath(this.store, entry);
    // Before its configuration changes: what it reads at its start and is told afterwards it would be told twice.
    const pids = await this.#tellable(entry);
    await this.#configure(entry, members, pids);
    if (pids === undefined) return { run: () => this.restart(entry) };
    if (pids.length === 0) return this.launcher.prepareStart(this.#program(entry, members, path));
    if (await this.#isHidden(entry, pids)) return { run: () => this.restart(entry) };
    const changes = this.#changes(entry, 'add', without(members, entry), path);
    const run = (): Promise<void> => this.#carryOut(entry, changes, pids);
    const [change] = changes;
    if (change?.by !== 'signal' || changes.length > 1) return { run };
    // What signals the daemon is none of its processes.
    const options = { env: {}, log: this.logPath(entry), cwd: this.mark(entry) };
    return {
      run,
      begins: { argv: signalCommand(this.store.folder, pids, change.signal), netns: undefined, options },
    };
  }

  /** From a unit that was started when no export lay in such a place: its new one has it see this one. */
  async #isHidden({ persist, backing }: ExportEntry, pids: readonly number[]): Promise<boolean> {
    if (!persist || backing.loop || backing.kind !== 'file') return false;
    const words = ['sh', '-c', HIDDEN, 'sh', backing.path, ...pids.map(String)];
    return (await this.store.host.run(words, { accept: [1] })).exitCode === 0;
  }

  async #runIdle(entry: ExportEntry): Promise<void> {
    const { host } = this.store;
    const ready = posix.join(this.mark(entry), daemonControl(entry).idle ?? '');
    // Of an earlier one that was killed.
    await host.remove(ready);
    await this.#configure(entry, []);
    await this.launcher.start(this.#program(entry, [], ''));
    if (await pollUntil(() => host.stat(ready), { every: POLL, patience: PATIENCE })) return;
    throw new LabError({
      tried: `starting ${entry.implementation} ${entry.release} for ${exportId(entry)}`,
      happened: `it was not ready after ${PATIENCE / 1000} s`,
      log: this.logPath(entry),
    });
  }

  async retell(entry: ExportEntry): Promise<void> {
    const { change } = daemonControl(entry);
    if (change.by !== 'signal') throw new TypeError(`${entry.implementation} takes no changes by a signal`);
    const pids = (await this.#tellable(entry)) ?? [];
    await this.#configure(entry, await this.#members(entry), pids);
    if (pids.length > 0) await signalProcesses(this.store.host, this.store.folder, pids, change.signal);
  }

  async restart(entry: ExportEntry): Promise<void> {
    await this.launcher.stop(this.#program(entry, [], ''));
    await this.#configure(entry, await this.#members(entry));
    await this.#run(entry);
  }

  /** The file or device, links resolved, that the daemon has open for an export. */
  async #opened(entry: ExportEntry): Promise<string> {
    const [device] = await ownLoops(this.store, entry);
    return device ?? entry.backing.path;
  }

  /** The entries this daemon serves or is to serve. */
  async #members(entry: ExportEntry): Promise<ExportEntry[]> {
    const name = programName(entry);
    const all = await this.store.all();
    return all.filter(
      (other) => other.control.shape === 'daemon' && programName(other) === name && isWanted(other),
    );
  }

  /** Those it is to be started without, and to forget nothing of. */
  async #held(entry: ExportEntry): Promise<ExportEntry[]> {
    const name = programName(entry);
    return (await this.store.all()).filter(
      (other) => other.phase !== 'stopping' && other.held !== undefined && programName(other) === name,
    );
  }

  #pids(entry: ExportEntry): Promise<number[]> {
    return processesOf(this.store.host, this.store.folder, this.mark(entry));
  }

  /**
   * Its processes that can be told of a change: a daemon that was just started is waited for. One that is restarted for
   * each change need not listen. Undefined: none can be told, and none serves anything.
   */
  #tellable(entry: ExportEntry): Promise<number[] | undefined> {
    const { change } = daemonControl(entry);
    const signal =
      change.by === 'signal' ? change.signal : change.by === 'commands' && change.otherwise?.signal;
    const find = (): Promise<number[]> => this.#pids(entry);
    return signal ? handlersOf(this.store.host, find, signal) : find();
  }

  /** @param running processes that will read it */
  async #configure(
    entry: ExportEntry,
    members: readonly ExportEntry[],
    running: readonly number[] = [],
  ): Promise<void> {
    const { host } = this.store;
    const { path, text } = await this.#configuration(entry, members);
    await host.write(path, text, 0o600);
    const list = disksPath(this.store, entry);
    const disks = diskList(members);
    const before = await host.stat(list);
    if (disks === '') {
      if (before !== undefined) await host.remove(list);
      return;
    }
    await host.write(list, disks, 0o600);
    // It opens what is there when it reads its configuration.
    await host.run(disksCommand(list));
    const pid = running.at(-1);
    if (before !== undefined || pid === undefined) return;
    // Nothing was to be watched when it was started.
    const argv = confined([...disksWatch(list, 'later'), String(pid)], [], await confinementOf(host));
    await host.start(argv, { env: {}, log: this.logPath(entry) });
  }

  /** @param own what `entry` opens, where its loop device is not there yet */
  async #configuration(
    entry: ExportEntry,
    members: readonly ExportEntry[],
    own?: string,
  ): Promise<{ path: string; text: string }> {
    const opened = members.map(async (member) => {
      if (own !== undefined && member === entry) return [{ entry: member, path: own }];
      // One whose loop device is gone keeps no other from being served.
      const path = await exportedPathIfAny(this.store, member);
      return path === undefined ? [] : [{ entry: member, path }];
    });
    const served = (await Promise.all(opened)).flat();
    const away = members.filter((member) => served.every((one) => one.entry !== member));
    return daemonConfiguration(this.store, entry, served, [...away, ...(await this.#held(entry))]);
  }

  #program(entry: ExportEntry, members: readonly ExportEntry[], path: string): Program {
    return programOf(this.store, [entry, ...members], path);
  }

  async #run(entry: ExportEntry): Promise<void> {
    const members = await this.#members(entry);
    await this.launcher.start(this.#program(entry, members, await exportedPath(this.store, entry)));
  }

  /** How the running daemon is told; its configuration says the same already. */
  #changes(
    entry: ExportEntry,
    direction: 'add' | 'remove',
    others: readonly ExportEntry[],
    path: string,
  ): Change[] {
    const { change } = daemonControl(entry);
    if (change.by !== 'commands') return [change];
    const { otherwise } = change;
    if (direction === 'add' && otherwise !== undefined) {
      const beyond = otherwise.options.some((option) => Boolean(entry.options[option]));
      const isNew = !others.some((other) => other.iface === entry.iface);
      if (beyond || (otherwise.newInterface && isNew)) return [{ by: 'signal', signal: otherwise.signal }];
    }
    const variables = this.#variables(entry, path);
    return change[direction].map((command) => ({
      by: 'command',
      argv: renderArgv(command, variables),
      // What a killed command had not yet added can't be removed by the same way.
      ...(direction === 'remove' && otherwise !== undefined ? { otherwise: otherwise.signal } : {}),
    }));
  }

  async #carryOut(entry: ExportEntry, changes: readonly Change[], pids: readonly number[]): Promise<void> {
    const { host } = this.store;
    for (const change of changes) {
      if (change.by === 'restart') return this.restart(entry);
      if (change.by === 'signal') {
        await signalProcesses(host, this.store.folder, pids, change.signal);
        continue;
      }
      try {
        await host.inNamespace(entry.netns).run(change.argv, { timeout: 10_000 });
      } catch (error) {
        if (change.otherwise === undefined) throw this.#refused(entry, error as Error);
        await signalProcesses(host, this.store.folder, pids, change.otherwise);
      }
    }
  }

  #refused(entry: ExportEntry, error: Error): LabError {
    return new LabError({
      tried: `telling the running ${entry.implementation} about ${exportId(entry)}`,
      happened: linesOf(error.message),
      next: `aoe-lab logs shows what it says; aoe-lab restart restarts it with all its exports`,
      log: this.logPath(entry),
      cause: error,
    });
  }

  #variables(entry: ExportEntry, path: string): object {
    return { ...exportVariables(this.store, entry, path), folder: this.mark(entry) };
  }
}
