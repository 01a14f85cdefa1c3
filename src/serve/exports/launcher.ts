/** Starts and ends programs: as a service of the host where there is a reason to, else as a process of ours. */
import { posix } from 'node:path';
import type { StartOptions } from '../../hosts/host/host.js';
import { confined, confinementOf } from '../../hosts/tools/confine.js';
import type { Action } from './driver.js';
import type { EntryStore } from './entry.js';
import { serviceManager } from './persist/manager.js';
import { serviceName } from './persist/names.js';
import { runsSystemd } from './persist/systemd.js';
import { endProcesses, processesOf, RUN_MARK, stopProcesses } from './processes.js';
import type { Program } from './program.js';
import { recorded, recordPath } from './run-record.js';
import { guarded, supervised } from './supervise.js';
import { endTransient, transientArgv } from './transient.js';

export class Launcher {
  readonly #store: EntryStore;

  constructor(store: EntryStore) {
    this.#store = store;
  }

  /** What `start` would run; changes nothing. */
  async preview(program: Program): Promise<string[]> {
    const { host } = this.#store;
    if (program.persist) return (await serviceManager(host)).startArgv(this.#service(program), this.#store);
    if (await this.#isTransient(program))
      return transientArgv(this.#service(program), program, await confinementOf(host));
    const argv = supervised(guarded(program.argv, program.before, program.beside), program.restart);
    return this.#confined(argv, program);
  }

  async start(program: Program): Promise<void> {
    const { host } = this.#store;
    const isTransient = await this.#isTransient(program);
    // What the host starts for us makes this folder by itself.
    if (program.persist || isTransient) await host.run(['mkdir', '-p', posix.dirname(program.log)]);
    if (program.persist) return (await serviceManager(host)).start(this.#service(program), this.#store);
    if (isTransient)
      await host.run(transientArgv(this.#service(program), program, await confinementOf(host)));
    else await host.inNamespace(program.netns).start(await this.#ownArgv(program), startOptions(program));
  }

  /** Ends it and whatever keeps it running. Silent if it does not run. */
  async stop(program: Program): Promise<void> {
    const { host, folder } = this.#store;
    const service = this.#service(program);
    if (program.persist) await (await serviceManager(host)).stop(service, this.#store);
    else if (await runsSystemd(host)) await endTransient(host, service);
    await stopProcesses(host, folder, program.mark, program.stop);
  }

  /** As `start`; what a service manager starts is nothing that this host's shell could become. */
  async prepareStart(program: Program): Promise<Action> {
    const run = (): Promise<void> => this.start(program);
    if (program.persist || (await this.#isTransient(program))) return { run };
    return {
      run,
      begins: { argv: await this.#ownArgv(program), netns: program.netns, options: startOptions(program) },
    };
  }

  async prepareStop(program: Program): Promise<Action> {
    const { host, folder } = this.#store;
    if (program.persist || (await this.#isTransient(program))) return { run: () => this.stop(program) };
    const pids = await processesOf(host, folder, program.mark);
    return {
      run: async () => {
        await endProcesses(host, folder, pids, program.stop);
        // A supervisor may have started another one meanwhile.
        if (program.restart !== undefined) await this.stop(program);
      },
      ends: { pids, signal: program.stop },
    };
  }

  #service(program: Program): string {
    return serviceName(this.#store, program.name);
  }

  /** Of a process that is ours to start: each that is started again is written down anew. */
  #ownArgv(program: Program): Promise<string[]> {
    const { argv, before, beside, name, restart } = program;
    const words = recorded(guarded(argv, before, beside), recordPath(this.#store, name));
    return this.#confined(supervised(words, restart), program);
  }

  async #confined(argv: readonly string[], { capabilities }: Program): Promise<string[]> {
    return confined(argv, capabilities, await confinementOf(this.#store.host));
  }

  async #isTransient({ restart }: Program): Promise<boolean> {
    return restart !== undefined && (await runsSystemd(this.#store.host));
  }
}

function startOptions({ mark, log, cwd }: Program): StartOptions {
  return { env: { [RUN_MARK]: mark }, log, cwd };
}
