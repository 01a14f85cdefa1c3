import { posix } from 'node:path';
import { LabError, linesOf, UsageError } from '../../base/errors.js';
import { pollUntilTrue } from '../../base/poll.js';
import { render, renderArgv } from '../../base/templating.js';
import { readIfThere } from '../../hosts/host/if-there.js';
import { writeLines } from '../../hosts/host/write-line.js';
import type { Control } from '../../make/recipe/schema.js';
import { controlledExports, isAmong, isListed } from './control-list.js';
import type { Action, Driver, Preview } from './driver.js';
import { type EntryStore, type ExportEntry, exportId } from './entry.js';
import { KernelWords } from './kernel-words.js';
import { LOADING } from './loading.js';
import { serviceManager } from './persist/manager.js';
import { serviceName } from './persist/names.js';
import type { RunState } from './run-state.js';
import { meaningOf } from './says.js';
import { exportedPath, exportedPathIfAny, exportVariables } from './variables.js';

type ModuleControl = Extract<Control, { shape: 'control-file' }>;

const POLL = 50;
/** Milliseconds that a module may take to list an export, or to drop it: it may wait for requests under way. */
const PATIENCE = 5000;

/**
 * A kernel module that is told by lines written to files. It is loaded for its first export and unloaded after its last,
 * unless somebody else loaded it or has exports in it. What it lists is the truth.
 */
export class ModuleDriver implements Driver {
  readonly #store: EntryStore;

  constructor(store: EntryStore) {
    this.#store = store;
  }

  /** Also the file that tells that the module was loaded by us; it holds the boot's id. */
  mark(entry: ExportEntry): string {
    return posix.join(this.#store.modulesFolder(), moduleOf(entry).module);
  }

  logPath(entry: ExportEntry): string {
    return this.#store.logPath(moduleOf(entry).module);
  }

  async preview(entry: ExportEntry, path: string): Promise<Preview> {
    const variables = exportVariables(this.#store, entry, path);
    const { load, add } = moduleOf(entry);
    const loading = (await this.#isLoaded(entry)) ? [] : load.map((argv) => renderArgv(argv, variables));
    return {
      commands: [...loading, ...add.map((line) => writeLines([rendered(line, variables)]))],
      files: [],
    };
  }

  async start(entry: ExportEntry): Promise<void> {
    const { module } = moduleOf(entry);
    const others = await this.#others(entry);
    const different = others.find(({ build }) => build !== entry.build);
    if (different !== undefined && (await this.#isLoaded(entry))) {
      throw new UsageError({
        tried: `loading ${module} of ${entry.implementation} ${entry.release}`,
        happened: `${exportId(different)} is served by another build of it, and a kernel holds one at a time`,
        next: `aoe-lab unexport ${exportId(different)}`,
      });
    }
    await this.#tell(entry, 'add');
  }

  async stop(entry: ExportEntry): Promise<void> {
    if (await isListed(this.#store.host, moduleOf(entry).list, entry)) await this.#tell(entry, 'remove');
    else if (!(await this.#isLoaded(entry))) return this.#store.host.remove(this.mark(entry));
    if ((await this.#others(entry)).length === 0) await this.#unload(entry);
  }

  async prepareStop(entry: ExportEntry): Promise<Action> {
    return { run: () => this.stop(entry) };
  }

  async prepareStart(entry: ExportEntry): Promise<Action> {
    // Another build of the same module has to leave the kernel first, which `start` finds out.
    const others = await this.#others(entry);
    const same = others.every(({ build }) => build === entry.build);
    if (same && !(await this.#isLoaded(entry))) await this.#load(entry);
    return { run: () => this.start(entry) };
  }

  async restart(entry: ExportEntry): Promise<void> {
    const { host } = this.#store;
    const members = [entry, ...(await this.#others(entry))];
    const listed = await controlledExports(host, moduleOf(entry).list);
    const wasLoaded = listed.length > 0 || (await this.#isLoaded(entry));
    for (const member of members) {
      if (isAmong(listed, member)) await this.#tell(member, 'remove');
      // It may be taken for started.
      else if (member.persist) await this.#serve(member, 'remove');
    }
    if (wasLoaded) await this.#unload(entry);
    // One whose device is away keeps no other from being served.
    const failures: unknown[] = [];
    for (const member of members) {
      await this.#tell(member, 'add').catch((error) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }

  async runState(entry: ExportEntry): Promise<RunState> {
    const { module, list } = moduleOf(entry);
    const pids: number[] = [];
    if (await isListed(this.#store.host, list, entry)) return { state: 'serving', pids };
    const trouble = (await this.#isLoaded(entry)) ? 'does not list it' : 'is not loaded';
    return { state: 'absent', pids, fault: `the module ${module} ${trouble}` };
  }

  async #others(entry: ExportEntry): Promise<ExportEntry[]> {
    const mark = this.mark(entry);
    return (await this.#store.all()).filter(
      (other) =>
        other.control.shape === 'control-file' &&
        this.mark(other) === mark &&
        exportId(other) !== exportId(entry) &&
        other.phase !== 'stopping',
    );
  }

  async #isLoaded(entry: ExportEntry): Promise<boolean> {
    return (await this.#store.host.stat(moduleOf(entry).ready)) !== undefined;
  }

  async #load(entry: ExportEntry): Promise<void> {
    const { host } = this.#store;
    const { module, load, ready } = moduleOf(entry);
    // The mark comes first: a module without it is somebody else's, and is never unloaded.
    await host.write(this.mark(entry), (await host.facts()).bootId);
    const words = new KernelWords(host, `aoe-lab: loading ${module}`);
    await words.begin();
    try {
      const variables = exportVariables(this.#store, entry, '');
      for (const argv of load) await host.run(renderArgv(argv, variables));
    } catch (error) {
      await host.remove(this.mark(entry));
      throw await this.#failure(entry, `loading ${module}`, (error as Error).message, words);
    }
    if (await this.#isLoaded(entry)) return;
    throw await this.#failure(entry, `loading ${module}`, `it did not make ${ready}`, words);
  }

  async #unload(entry: ExportEntry): Promise<void> {
    const { host } = this.#store;
    const { unload, list } = moduleOf(entry);
    const bootId = await readIfThere(host, this.mark(entry));
    if (bootId?.toString() === (await host.facts()).bootId) {
      // Somebody may have added exports by hand.
      if ((await controlledExports(host, list)).length > 0) return;
      const variables = exportVariables(this.#store, entry, '');
      for (const argv of unload) await host.run(renderArgv(argv, variables));
    }
    await host.remove(this.mark(entry));
  }

  /** Writes the lines that add or remove an export, and waits until the module lists it, or does not any more. */
  async #tell(entry: ExportEntry, direction: 'add' | 'remove'): Promise<void> {
    const { host } = this.#store;
    const control = moduleOf(entry);
    const id = exportId(entry);
    const tried = `${direction === 'add' ? 'exporting' : 'unexporting'} ${id} by ${control.module}`;
    const path =
      direction === 'add'
        ? await exportedPath(this.#store, entry)
        : ((await exportedPathIfAny(this.#store, entry)) ?? entry.backing.path);
    const variables = exportVariables(this.#store, entry, path);
    // The service of a persistent export loads it as well.
    if (direction === 'add' && !entry.persist && !(await this.#isLoaded(entry))) await this.#load(entry);
    const words = new KernelWords(host, `aoe-lab: ${tried}`);
    const lines = control[direction].map((line) => rendered(line, variables));
    try {
      if (entry.persist) {
        await words.begin();
        await this.#serve(entry, direction);
        // The service may be another target's by now, to which the export moves.
        const isTold = direction === 'add' || !(await isListed(host, control.list, entry));
        if (!isTold) await host.run(writeLines(lines));
      } else await host.run(writeLines([words.beginning, ...lines]));
    } catch (error) {
      throw await this.#failure(entry, tried, (error as Error).message, words);
    }
    const isDone = async () => (await isListed(host, control.list, entry)) === (direction === 'add');
    if (!(await pollUntilTrue(isDone, { every: POLL, patience: PATIENCE }))) {
      const lists = direction === 'add' ? 'does not list it' : 'still lists it';
      throw await this.#failure(entry, tried, `the module ${lists}`, words);
    }
    await this.#record(entry, await words.since());
  }

  /** The service of a persistent export writes the same lines. */
  async #serve(entry: ExportEntry, direction: 'add' | 'remove'): Promise<void> {
    const { host } = this.#store;
    const manager = await serviceManager(host);
    const service = serviceName(this.#store, exportId(entry));
    if (direction === 'add') await manager.start(service, this.#store);
    else await manager.stop(service, this.#store);
  }

  async #failure(entry: ExportEntry, tried: string, happened: string, words: KernelWords): Promise<LabError> {
    const said = await words.since();
    await this.#record(entry, said);
    const { host } = this.#store;
    const { module, says = [] } = moduleOf(entry);
    const meaning = meaningOf([...says, ...LOADING], [...happened.split('\n'), ...said], {
      ...exportVariables(this.#store, entry, entry.backing.opens),
      implementation: entry.implementation,
      module,
    });
    const shown = said.slice(-5).map((line) => `the kernel said: ${line}`);
    return new LabError({
      tried,
      happened: [...linesOf(happened), ...shown, ...(meaning === undefined ? [] : [meaning.means])],
      next:
        meaning?.next ??
        (said.length > 0
          ? 'correct what it complains about, then run the command again'
          : `look at dmesg ${host.name}; a module is loaded only by the kernel it was built for`),
      log: this.logPath(entry),
    });
  }

  /** Adds lines of the kernel's log to the log of the export. */
  async #record(entry: ExportEntry, lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return;
    const path = this.logPath(entry);
    const before = (await readIfThere(this.#store.host, path)) ?? '';
    await this.#store.host.write(path, `${before}${lines.join('\n')}\n`);
  }
}

/** A line for a file of the kernel's. */
function rendered(line: { path: string; line: string }, variables: object): { path: string; line: string } {
  return { path: render(line.path, variables), line: render(line.line, variables) };
}

function moduleOf(entry: ExportEntry): ModuleControl {
  if (entry.control.shape !== 'control-file') {
    throw new TypeError(`${entry.control.shape} is not driven as a module`);
  }
  return entry.control;
}
