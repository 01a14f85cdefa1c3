import {
  type Address,
  type Ata,
  AtaCommand,
  AtaFlag,
  Command,
  type Frame,
  formatAddress,
  type Identify,
  identifiedSectors,
  type Mac,
  MIN_FRAME,
  SECTOR,
} from '../aoe/index.js';
import type { Link } from '../link/link.js';
import { answerFault } from './faults.js';
import { initiatorOf } from './initiator.js';
import { Pace } from './pace.js';
import { Requests } from './requests.js';

/** Milliseconds for one read: it is asked three times meanwhile. */
const PATIENCE = 700;
/** Above it not every size is tried, but each half of the next. */
const FINE = 17;
/** Reads under way. */
const AT_ONCE = 16;

/** Whose frames are tried. */
export interface FrameTrial {
  link: Link;
  address: Address;
  mac: Mac;
  identity: Identify;
  /** Most requests that it holds. */
  bufferCount: number;
  /** Sectors of the largest frame that its ends allow. */
  most: number;
  /** First sector that is read; default 0. */
  lba?: number | undefined;
}

/**
 * Finds the largest frame that passes between here and a target: it is read from in all sizes, which changes nothing.
 * Something on the way may carry less than both ends.
 * @returns sectors; undefined if not even one could be read
 */
export async function sectorsThatPass(trial: FrameTrial): Promise<number | undefined> {
  const most = Math.min(trial.most, identifiedSectors(trial.identity) - (trial.lba ?? 0));
  if (most < 1) return undefined;
  const [passes, isRead] = await Promise.all([isAnswered(trial, most), isAnswered(trial, 1)]);
  if (passes) return most;
  if (!isRead) return undefined;
  const sizes = smallerThan(most);
  const together = Math.max(1, Math.min(trial.bufferCount, AT_ONCE));
  for (let start = 0; start < sizes.length; start += together) {
    const some = sizes.slice(start, start + together);
    const answers = await Promise.all(some.map((count) => isAnswered(trial, count)));
    const largest = some[answers.indexOf(true)];
    if (largest !== undefined) return largest;
  }
  return 1;
}

/** From large to small, down to 2. */
function smallerThan(most: number): number[] {
  const sizes: number[] = [];
  let size = most > FINE ? Math.ceil(most / 2) : most - 1;
  for (; size > FINE; size = Math.ceil(size / 2)) sizes.push(size);
  for (; size > 1; size--) sizes.push(size);
  return sizes;
}

function isAnswered({ link, address, mac, identity, lba = 0 }: FrameTrial, count: number): Promise<boolean> {
  const bytes = Buffer.alloc(MIN_FRAME);
  const cmdStatus = identity.lba48 ? AtaCommand.readSectorsExt : AtaCommand.readSectors;
  const ata: Ata = { flags: identity.lba48 ? AtaFlag.lba48 : 0, errFeature: 0, count, cmdStatus, lba };
  new Requests(link.mac, mac, address).ata(bytes, ata);
  const tried = `reading ${count} sectors at ${lba} of ${formatAddress(address)}`;
  const holdsData = (frame: Frame): boolean =>
    answerFault(address, tried, frame) === undefined &&
    frame.kind === 'ata' &&
    frame.data.length >= count * SECTOR;
  return new Promise((resolve, reject) => {
    try {
      initiatorOf(link).submit({
        tried,
        address,
        mac,
        command: Command.ata,
        bytes,
        pace: new Pace(1),
        timeout: PATIENCE,
        onAnswer: (frame) => resolve(holdsData(frame)),
        onFailure: () => resolve(false),
      });
    } catch (error) {
      reject(error as Error);
    }
  });
}
