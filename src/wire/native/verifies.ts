import type { Mac } from '../aoe/index.js';
import { BackingError } from './backing.js';
import { Places } from './places.js';
import type { Served } from './served.js';

/** Sectors that are read at a time: others read in between. */
export const PIECE = 128;
/** Verifies that one initiator may have under way on an interface, and all of them together; an export as many as are free. */
const OF_ONE = 16;
const OF_ALL = 256;

interface Verify {
  source: Mac;
  tag: number;
  sector: number;
  left: number;
  over(error?: unknown): void;
}

/** Those of one export: a line an initiator, who take turns piece by piece. */
interface Line {
  readonly turns: Verify[][];
  isBusy: boolean;
}

/**
 * READ VERIFY, of which a frame asks for up to 32 MiB of reading: done in small pieces, one at a time of an export, in
 * turns of the initiators. Few may wait; what comes beyond them is lost, as in a queue of the network's.
 */
export class Verifies {
  readonly #lines = new Map<Served, Line>();
  readonly #counts = new Map<Mac, number>();
  readonly #places = new Places<Served>(OF_ALL);

  /**
   * @param request who asks, and by what tag: one that is repeated while it is under way is not done twice
   * @returns undefined if there is no room for it · @throws BackingError
   */
  take(
    served: Served,
    request: { source: Mac; tag: number; sector: number; count: number },
  ): Promise<void> | undefined {
    const { source, tag, sector, count } = request;
    const line = this.#lines.get(served) ?? { turns: [], isBusy: false };
    const own = line.turns.find(([first]) => first?.source === source);
    if (own?.some((verify) => verify.tag === tag && verify.left > 0)) return undefined;
    if (!this.#places.hasRoom(served) || (this.#counts.get(source) ?? 0) >= OF_ONE) return undefined;
    this.#places.take(served);
    this.#change(source, 1);
    return new Promise<void>((resolve, reject) => {
      const over = (error?: unknown): void => {
        // Its answer leaves before it is taken out of the line: the same tag is a new request from now on.
        verify.left = 0;
        this.#places.give(served);
        this.#change(source, -1);
        if (error === undefined) resolve();
        else reject(error);
      };
      const verify: Verify = { source, tag, sector, left: count, over };
      if (own) own.push(verify);
      else line.turns.push([verify]);
      this.#lines.set(served, line);
      if (!line.isBusy) void this.#run(served, line);
    });
  }

  #change(source: Mac, by: number): void {
    const count = (this.#counts.get(source) ?? 0) + by;
    if (count === 0) this.#counts.delete(source);
    else this.#counts.set(source, count);
  }

  async #run(served: Served, line: Line): Promise<void> {
    line.isBusy = true;
    for (let [turn] = line.turns; turn !== undefined; [turn] = line.turns) {
      if (await advance(served, turn[0] as Verify)) turn.shift();
      // It stays the first until then: whoever comes meanwhile is before its next piece.
      line.turns.shift();
      if (turn.length > 0) line.turns.push(turn);
    }
    line.isBusy = false;
    this.#lines.delete(served);
  }
}

/** Reads one piece. @returns whether the verify is over */
async function advance({ backing, medium }: Served, verify: Verify): Promise<boolean> {
  const count = Math.min(PIECE, verify.left);
  try {
    await medium.during(readSectors(backing, verify.sector, count));
  } catch (error) {
    verify.over(error);
    return true;
  }
  verify.sector += count;
  verify.left -= count;
  if (verify.left > 0) return false;
  verify.over();
  return true;
}

/** Reads sectors; of those that the medium can't give the first one is named. @throws BadSector, BackingError */
export async function readSectors(
  backing: Served['backing'],
  sector: number,
  count: number,
): Promise<Buffer> {
  try {
    return await backing.read(sector, count);
  } catch (error) {
    if (!(error instanceof BackingError) || error.fault !== 'media') throw error;
    if (count === 1) throw new BadSector(sector, error);
  }
  const parts: Buffer[] = [];
  for (let index = 0; index < count; index++) parts.push(await readSectors(backing, sector + index, 1));
  return Buffer.concat(parts);
}

/** A sector that the medium can't give. */
export class BadSector extends BackingError {
  readonly sector: number;

  constructor(sector: number, { fault, message, code }: BackingError) {
    super(fault, message, code);
    this.sector = sector;
  }
}
