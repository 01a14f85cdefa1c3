import type { LabError } from '../../base/errors.js';
import { type Address, formatAddress, formatMac, type Mac } from '../aoe/index.js';
import type { Link } from '../link/link.js';
import { describeStation, distinctDisks, type Station } from './disks.js';
import { ForeignDeviceError, noAnswer } from './faults.js';
import { Target, type TargetOptions } from './target.js';
import { whoAnswers } from './who-answers.js';

export interface OpenOptions extends TargetOptions {
  /** Milliseconds that a target may take to be found. Default: 5,000. */
  findTimeout?: number | undefined;
  /** Milliseconds for which others that answer for the address are listened to. Default: 300. */
  settle?: number | undefined;
  /** The station that is meant, where several answer. Default: any. */
  station?: Mac | undefined;
}

const DEFAULT_FIND_TIMEOUT = 5000;
const DEFAULT_SETTLE = 300;

/**
 * Finds a target by its address, asks what it is, and returns a session with it.
 *
 * @param links one, or several that lead to the same disk: requests are spread over those on which it answers
 * @throws NoAnswerError if none answers · ForeignDeviceError if different disks answer for the address, on one link or
 *   on several · LabError if it can't be identified
 */
export async function openTarget(
  links: Link | readonly Link[],
  address: Address,
  options: OpenOptions = {},
): Promise<Target> {
  const all: readonly Link[] = 'length' in links ? links : [links];
  const disk = await findDisk(all, address, options);
  const [first] = disk as [Station];
  if (first.identity === undefined || first.config === undefined) throw first.fault as LabError;
  // The link that answered first leads; of several stations on a link the first is taken.
  const others = all
    .filter((link) => link !== first.link)
    .map((link) => ({ link, mac: disk.find((station) => station.link === link)?.mac }));
  const { link, mac, config, identity } = first;
  const target = new Target(link, address, mac, config, options, others, identity);
  target.seekPaths();
  return target;
}

/** The stations of the one disk that answers for an address. */
async function findDisk(links: readonly Link[], address: Address, options: OpenOptions): Promise<Station[]> {
  const { findTimeout = DEFAULT_FIND_TIMEOUT, settle = DEFAULT_SETTLE, station: meant } = options;
  const started = performance.now();
  const tried = `looking for ${formatAddress(address)} on ${links.map(({ name }) => name).join(', ')}`;
  for (let rounds = 1; ; rounds++) {
    const heard = await askAll(links, address, settle);
    const stations = heard.filter(({ mac }) => meant === undefined || mac === meant);
    const disks = distinctDisks(stations);
    if (disks.length > 1) throw differentDisks(tried, address, stations);
    const [disk] = disks;
    if (disk) return disk;
    if (performance.now() - started < findTimeout) continue;
    const others = heard.map(({ mac }) => `${formatMac(mac)} does`).join(', ');
    const trouble = links.map((link) => link.trouble).find((text) => text !== undefined);
    throw noAnswer(address, tried, findTimeout, rounds, others || trouble);
  }
}

/** A link that can't send any more takes nothing from the others. @throws its error if it is the only one */
async function askAll(links: readonly Link[], address: Address, wait: number): Promise<Station[]> {
  const asked = await Promise.allSettled(
    links.map((link) => whoAnswers(link, address, { wait, identify: true })),
  );
  const heard = asked.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []));
  const failed = asked.find((outcome) => outcome.status === 'rejected');
  if (failed && asked.every((outcome) => outcome.status === 'rejected')) throw failed.reason;
  return heard;
}

function differentDisks(tried: string, address: Address, stations: readonly Station[]): LabError {
  return new ForeignDeviceError({
    tried,
    happened: [
      `${stations.length} stations answer for ${formatAddress(address)}, and not with the same disk:`,
      ...stations.map((station) => `- ${describeStation(station)}`),
    ],
    next: [
      'end the one that is not meant, or give it another address',
      'or name the station that is meant: --station MAC',
    ],
  });
}
