import { LabError } from '../../base/errors.js';
import {
  type ExpectedDisk,
  type ExpectedFile,
  isFile,
  isOtherThan,
  tellingText,
} from '../../base/identity.js';
import { formatAddress } from '../aoe/index.js';
import type { Link } from '../link/link.js';
import type { Backing } from './backing.js';
import { newCounters } from './counters.js';
import { FileBacking, type FileBackingOptions } from './file-backing.js';
import { identityAt } from './file-identity.js';
import { type Gateway, LinkGateway } from './gateway.js';
import { IoFaults } from './io-faults.js';
import { Medium } from './medium.js';
import { machineId, serialFor } from './serial.js';
import type { Served } from './served.js';
import { NO_STATE, type TargetState } from './state.js';
import { Forgetful, type StateKeeper } from './state-store.js';
import { NativeTarget, type TargetSettings } from './target.js';
import { WriteOrder } from './write-order.js';

/** A target and where its sectors are. */
export interface ServeOptions extends TargetSettings {
  backing: Backing | Omit<FileBackingOptions, 'readOnly'>;
  /** What `serial` was given to: another file gets a serial number of its own. */
  file?: ExpectedFile | undefined;
  /** The disk that it must be: another one is not served. */
  disk?: ExpectedDisk | undefined;
  /** What an earlier process kept. Default: nothing. */
  state?: TargetState | undefined;
  /** Keeps what initiators set. Default: that ends with the process. */
  keeper?: StateKeeper | undefined;
}

/**
 * Makes a target ready to be served.
 * @throws LabError if its file can't be opened
 */
export async function makeServed(options: ServeOptions): Promise<Served> {
  const { backing: given, readOnly, state = NO_STATE, keeper = new Forgetful(state) } = options;
  const backing = 'measure' in given ? given : await FileBacking.open({ ...given, readOnly });
  try {
    if (options.disk !== undefined) await requireDisk(options.disk, backing);
    const serial = await serialOf(options, backing);
    return {
      target: new NativeTarget({ ...options, serial }, await backing.measure(), state),
      backing,
      keeper,
      order: new WriteOrder(),
      counters: newCounters(),
      trials: { count: 0 },
      medium: new Medium(),
      faults: new IoFaults(),
    };
  } catch (error) {
    await backing.close();
    throw error;
  }
}

/**
 * Serves targets on a link until closed, and announces them. The backing stores are closed with it.
 *
 * @example
 * const link = await openPacketLink({ iface: 'eth0' });
 * const server = await serveTargets(link, [{ address: { shelf: 0, slot: 1 }, backing: { path: 'disk.img' } }]);
 * @throws LabError if a file can't be opened
 */
export async function serveTargets(link: Link, targets: readonly ServeOptions[]): Promise<Gateway> {
  const served: Served[] = [];
  try {
    for (const target of targets) served.push(await makeServed(target));
  } catch (error) {
    for (const { backing } of served) await backing.close();
    throw error;
  }
  const gateway = new LinkGateway(link);
  gateway.served = served;
  for (const one of served) gateway.announce(one);
  const close = gateway.close.bind(gateway);
  gateway.close = async () => {
    await close();
    for (const { backing } of served) await backing.close();
  };
  return gateway;
}

/** @throws LabError if what is open is known to be another disk */
async function requireDisk(disk: ExpectedDisk, backing: Backing): Promise<void> {
  if (!(backing instanceof FileBacking)) return;
  if (!isOtherThan(disk, await identityAt(`/proc/self/fd/${backing.handle.fd}`))) return;
  throw new LabError({
    tried: 'opening its disk',
    happened: 'it is another disk than the one that was exported',
    next: 'aoe-lab status tells which',
  });
}

/** Of what is open, not of its name: that may mean something else by now. */
async function serialOf(options: ServeOptions, backing: Backing): Promise<string> {
  const { address, serial, file } = options;
  const now =
    backing instanceof FileBacking ? await identityAt(`/proc/self/fd/${backing.handle.fd}`) : undefined;
  if (serial !== undefined && (file === undefined || now === undefined || isFile(file, now))) return serial;
  const identity = now === undefined ? 'memory' : tellingText(now);
  return serialFor({ machineId: await machineId(), address: formatAddress(address), identity });
}
