/** Who answers for an address: asked of the wire here, by every command that needs to know. */

import { LabError } from '../../base/errors.js';
import {
  ALL_SHELVES,
  ALL_SLOTS,
  BROADCAST,
  ConfigCommand,
  describeFault,
  type Frame,
  formatAddress,
  HeaderFlag,
  MIN_FRAME,
} from '../aoe/index.js';
import type { Link } from '../link/link.js';
import { targetConfig } from './config.js';
import type { Station } from './disks.js';
import { answerFault } from './faults.js';
import { IdentityQuestion } from './identity-question.js';
import { initiatorOf, type ReadableFault } from './initiator.js';
import { sleepOwnTime } from './own-time.js';
import { Requests } from './requests.js';

export { distinctDisks, type Station } from './disks.js';

export interface WhoOptions {
  /** Milliseconds for answers to come in. */
  wait: number;
  /** Whether each station is asked for its disk; one that is slow to tell has 2 s. */
  identify: boolean;
}

/** The query is sent this often while waiting, so that one lost frame hides nobody. */
const REPEATS = 3;
/** Milliseconds for an identity. */
const IDENTIFY_TIME = 2000;
/** Identities asked for at the same time: a burst would overflow the queues of those who answer. */
const AT_ONCE = 64;
/** Milliseconds between two looks at what is due. */
const LOOK = 20;
/** Stations that are kept. */
export const MOST_STATIONS = 1000;

/**
 * Asks on a link who answers for an address. A station whose answers tell of two disks (two processes behind one
 * interface) is listed with each.
 *
 * @param address shelf and slot; undefined stands for all
 * @returns in the order of their answers, at most 1,000; empty if nobody answers
 * @throws LabError if the link can't send any more
 */
export async function whoAnswers(
  link: Link,
  address: { shelf: number | undefined; slot: number | undefined },
  { wait, identify }: WhoOptions,
): Promise<Station[]> {
  const initiator = initiatorOf(link);
  const { shelf = ALL_SHELVES, slot = ALL_SLOTS } = address;
  const bytes = Buffer.alloc(MIN_FRAME);
  new Requests(link.mac, BROADCAST, { shelf, slot }).config(bytes, ConfigCommand.read);
  const stations = new Map<string, Station>();
  const questions: IdentityQuestion[] = [];
  const query = initiator.collect(bytes, (frame) => {
    const { major, minor } = frame.header;
    const key = `${major}.${minor}@${frame.ethernet.source}`;
    const isAsked = (address.shelf ?? major) === major && (address.slot ?? minor) === minor;
    if (!isAsked) return false;
    if (stations.has(key) || stations.size >= MOST_STATIONS) return true;
    const station = stationOf(link, frame);
    stations.set(key, station);
    if (identify) questions.push(new IdentityQuestion(station));
    return true;
  });
  try {
    const started = performance.now();
    for (let round = 0, away = 0; ; away += await sleepOwnTime(Math.min(LOOK, wait / REPEATS))) {
      const passed = performance.now() - started - away;
      if (round < REPEATS && passed >= (round * wait) / REPEATS) {
        query.repeat();
        round++;
      }
      let underWay = 0;
      for (const question of questions) if (underWay < AT_ONCE && question.ask(passed)) underWay++;
      const limit = underWay === 0 ? wait : Math.max(wait, IDENTIFY_TIME);
      if (round === REPEATS && passed >= limit) break;
    }
  } finally {
    query.stop();
    for (const question of questions) question.stop();
  }
  if (!identify) return [...stations.values()];
  return questions.flatMap((question) => question.outcome);
}

function stationOf(link: Link, frame: Frame | ReadableFault): Station {
  const { major: shelf, minor: slot, flags } = frame.header;
  const station = { link, shelf, slot, mac: frame.ethernet.source, identity: undefined };
  const tried = `querying the configuration of ${formatAddress(station)}`;
  if (frame.kind === 'config' && (flags & HeaderFlag.error) === 0) {
    return { ...station, config: targetConfig(frame.config), fault: undefined };
  }
  const fault =
    frame.kind === 'fault'
      ? new LabError({ tried, happened: `its answer can't be read: ${describeFault(frame)}` })
      : (answerFault(station, tried, frame) ??
        new LabError({ tried, happened: 'it answered another command' }));
  return { ...station, config: undefined, fault };
}
