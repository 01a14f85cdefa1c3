import {
  type Address,
  BROADCAST,
  Command,
  ConfigCommand,
  formatAddress,
  type Mac,
  MIN_FRAME,
} from '../aoe/index.js';
import type { LabError } from '../errors.js';
import type { Link } from '../link/link.js';
import { answerFault } from './faults.js';
import { initiatorOf } from './initiator.js';
import { Pace } from './pace.js';
import { Requests } from './requests.js';
import { Target, type TargetConfig, type TargetOptions, targetConfig } from './target.js';

export interface OpenOptions extends TargetOptions {
  /** Milliseconds that a target may take to be found; default 5,000. */
  findTimeout?: number | undefined;
}

const DEFAULT_FIND_TIMEOUT = 5000;

/**
 * Finds a target by its address, asks what it is, and returns a session with it. If several answer to the address
 * the first is taken.
 *
 * @param links one, or several that lead to the same device: requests are spread over those on which it answers
 * @throws NoAnswerError if none answers · ForeignDeviceError if different devices answer on the links · LabError if it
 *   can't be identified
 */
export async function openTarget(
  links: Link | readonly Link[],
  address: Address,
  options: OpenOptions = {},
): Promise<Target> {
  const all: readonly Link[] = 'length' in links ? links : [links];
  const timeout = options.findTimeout ?? DEFAULT_FIND_TIMEOUT;
  const { link, mac, config } = await findOnAny(all, address, timeout);
  const others = all.filter((other) => other !== link).map((other) => ({ link: other, mac: undefined }));
  const target = new Target(link, address, mac, config, options, others);
  await target.identify();
  await target.usePaths();
  return target;
}

/** @throws the first link's failure if it is found on none */
async function findOnAny(
  links: readonly Link[],
  address: Address,
  timeout: number,
): Promise<{ link: Link; mac: Mac; config: TargetConfig }> {
  const searches = links.map(async (link) => ({ link, ...(await find(link, address, timeout)) }));
  return Promise.any(searches).catch((error: AggregateError) => {
    throw error.errors[0] as Error;
  });
}

function find(link: Link, address: Address, timeout: number): Promise<{ mac: Mac; config: TargetConfig }> {
  const bytes = Buffer.alloc(MIN_FRAME);
  new Requests(link.mac, BROADCAST, address).config(bytes, ConfigCommand.read);
  const tried = `looking for ${formatAddress(address)} on ${link.name}`;
  return new Promise((resolve, reject) => {
    initiatorOf(link).submit({
      tried,
      address,
      mac: BROADCAST,
      command: Command.config,
      bytes,
      pace: new Pace(1),
      timeout,
      onAnswer: (frame) => {
        const fault = answerFault(address, tried, frame);
        if (fault) reject(fault);
        else if (frame.kind === 'config') {
          resolve({ mac: frame.ethernet.source, config: targetConfig(frame.config) });
        }
      },
      onFailure: (error: LabError) => reject(error),
    });
  });
}
