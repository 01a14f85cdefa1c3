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
 * @throws NoAnswerError if none answers · LabError if it can't be identified
 */
export async function openTarget(link: Link, address: Address, options: OpenOptions = {}): Promise<Target> {
  const { mac, config } = await find(link, address, options.findTimeout ?? DEFAULT_FIND_TIMEOUT);
  const target = new Target(link, address, mac, config, options);
  await target.identify();
  return target;
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
