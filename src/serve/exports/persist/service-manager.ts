import type { StateFolder } from '../entry.js';

export type ManagerKind = 'systemd' | 'openrc' | 'scripts';

/** Services are named without `.service`. Each can be asked again for what it has done already. */
export interface ServiceManager {
  kind: ManagerKind;
  startArgv(service: string, state: StateFolder): string[];
  /** @throws LabError with what the manager knows of the reason */
  start(service: string, state: StateFolder): Promise<void>;
  /** Silent if it does not run or is not known. */
  stop(service: string, state: StateFolder): Promise<void>;
  /** The commands of `enable`. */
  enableArgvs(services: readonly string[], state: StateFolder): Promise<string[][]>;
  /** Has files that were written taken notice of, and these services started at each boot, in this order. */
  enable(services: readonly string[], state: StateFolder): Promise<void>;
  /** Has services no longer started at boot; those that run go on. */
  retire(services: readonly string[]): Promise<void>;
  /** Stops services and has them forgotten, while their files are still there. */
  disable(services: readonly string[], state: StateFolder): Promise<void>;
  /** Takes notice that files are gone. `isLast`: nothing of ours is left. */
  forget(services: readonly string[], state: StateFolder, isLast: boolean): Promise<void>;
  /** What is wrong with a service, such as `it is not enabled`. */
  fault(service: string, state: StateFolder): Promise<string | undefined>;
  /** What starts the services at boot, in words; undefined: nothing that is known. */
  starter(state: StateFolder): Promise<string | undefined>;
}
