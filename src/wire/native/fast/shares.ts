import type { Mac } from '../../aoe/index.js';
import { NO_QUOTAS, type Quota, type Quotas } from '../../link/own-vlan.js';
import { STRANGERS } from '../strangers.js';
import { Ledger, type Spent } from './ledger.js';

/** Milliseconds over which is reckoned. */
const SPAN = 10;
/** Milliseconds of work before the clock is looked at while nobody is limited: a look costs a hundredth of a frame. */
const UNLOOKED = 0.2;
/**
 * Milliseconds that a frame may wait, and for which they are found to wait longer until that counts as a loss: where others keep
 * the processors busy, a process is often late, and soon in time again.
 */
const LATE = 50;
const TOO_LATE = 250;
/** What is left of what could be handled when frames were lost, and how that grows while none are. */
const LESS = 0.85;
const MORE = 1.03;
/** How what was handled is forgotten, each span. */
const FADES = 0.9;
/** Milliseconds after which frames that waited when quotas were set are taken to be gone. */
const SETTLING = 100;
/** Weight of the last span among those before it, if it tells enough: so many frames of a station at least. */
const WEIGHT = 0.2;
const TELLING = 4;
/** Spans that tell enough after which a station that still asks for much, although most of it was dropped, waits for no answer. */
const DEAF = 5;
/** Part that passes, below which most was dropped. */
const MOST_DROPPED = 1 / 2;
/**
 * Part that passes of a station that is tried, what of an equal share one asks for more than that is, spans that tell enough
 * after which it is deaf, and part of what it asked for at first of which less is listening: so much passes that chance tells little.
 */
const TRIAL = 0.4;
const SUSPECT = 1 / 2;
const TRIED = 15;
const HALF = 1 / 2;
/** Part of what it asked for at first that is much. */
const MUCH = 1 / 4;
/** What such a station gets, as part of all and in milliseconds of a span: enough to see when it stops. */
const TRICKLE = 1 / 64;
const MOST_TRICKLE = 0.02;
/**
 * Milliseconds in which two thirds are forgotten of what a station asked for, if no more is heard of it; and frames of a span
 * that pass of each whatever it asks for: 20 a second, so that silence is told from chance within that time.
 */
const FORGET = 1000;
const LEAST_FRAMES = 0.2;
/**
 * Milliseconds without a lost frame after which deaf stations are tried again, if all that is asked for would fit into what
 * was handled when the last one was lost: an initiator may seem deaf whose requests were lost beside a flood's. Twice as long
 * each time, up to so many times, and what fits grows by a part each second, as it may have been measured too low.
 */
const SENTENCE = 1000;
const MOST_TERMS = 3;
const DOUBT = 1.2;
/** Milliseconds without a lost frame after which the next one is another flood's. */
const MEMORY = 60_000;
/** What this process can handle of a span at least, in milliseconds, whatever was measured while it hardly ran. */
const LEAST_CAPACITY = 0.5;
/** Stations that the socket's filter knows, and whose listening is remembered. */
const MOST = 24;
/** Least part that passes. */
const LEAST = 1e-4;
/** Quotas that differ by less stay as they are: to set them costs a call. */
const NEAR = 0.15;

interface Heard {
  mac: Mac;
  /** What it asks for in a span: milliseconds, and frames. */
  demand: number;
  frames: number;
  /** Part of its frames that pass. */
  part: number;
  /** Whether most is dropped of what it asks for, to see if it listens. */
  isTried: boolean;
  /** The most frames that it has asked for while it was limited (what one takes may be chance), and for how many telling spans most of it was dropped. */
  asked: number;
  limited: number;
}

/**
 * Fair shares of this process among the stations of an interface. As long as no frame is lost nothing is limited: initiators
 * wait for their answers. When the kernel has lost frames because they came faster than they could be handled, or they
 * wait for long, since those before them cost much, those who ask for more than their share (max-min fairness) pass in part,
 * by chance, and the socket's filter drops the rest. An initiator of which most is dropped asks for less, since it waits for
 * answers; who does not is no initiator, and gets next to nothing, until it is tried again. Where little would have to be
 * dropped, all who ask for much are tried first: most is dropped until it is known who listens, since a flood that nearly fits
 * would lose the frames of all, again and again. Stations that were not heard before have one share together. All that is
 * known is forgotten by time, not by what is heard: of who hardly passes hardly anything is.
 */
export class Shares {
  readonly #ledger = new Ledger();
  #heard = new Map<Mac, Heard>();
  /** Who asked for less when most of it was dropped, and when; the latest last. */
  readonly #listening = new Map<Mac, number>();
  /** What is handled in a span; no limit as long as it was always enough. */
  #capacity = Number.POSITIVE_INFINITY;
  /** The most that was handled in one of the last spans: in a single one this process may not have run. */
  #lately = 0;
  #began: number;
  /** Since when the last frame had waited too long, at each look. */
  #lateSince: number | undefined;
  /** When a frame was last lost or late, and the capacity then. */
  #lostAt = 0;
  #proven = Number.POSITIVE_INFINITY;
  /** How often deaf stations were tried again. */
  #terms = 0;
  /** Since when there are frames in the queue that came by the quotas before; those of today tell nothing of them. */
  #unsettled: number | undefined;
  #quotas = NO_QUOTAS;
  /** Milliseconds that frames took since the clock was last looked at. */
  #unlooked = 0;

  constructor(now: number) {
    this.#began = now;
  }

  /** A frame. @param middle the words that hold its source @param cost milliseconds that it took */
  spend(middle: number, source: number, cost: number): void {
    this.#unlooked += cost;
    this.#ledger.spend(middle, source, cost);
  }

  /** Whether the clock is worth a look. */
  get wantsLook(): boolean {
    return this.#unlooked >= UNLOOKED || this.isLimiting;
  }

  /** Whether a station was heard in some spans. */
  isFamiliar(mac: Mac): boolean {
    return this.#ledger.isFamiliar(mac);
  }

  /** Whether it is to be reckoned although no frame comes. */
  get isLimiting(): boolean {
    return this.#capacity !== Number.POSITIVE_INFINITY;
  }

  /** What passes. */
  get quotas(): Quotas {
    return this.#quotas;
  }

  /** Whether it is time to reckon. @param isEmpty whether all frames that waited were handled @param now milliseconds */
  isDue(isEmpty: boolean, now: number): boolean {
    this.#unlooked = 0;
    if (this.#unsettled !== undefined && (isEmpty || now - this.#unsettled > SETTLING)) {
      this.#unsettled = undefined;
      this.#ledger.forget();
      this.#began = now;
      return true;
    }
    return this.#unsettled === undefined && now - this.#began >= SPAN;
  }

  /**
   * @param lost frames that the kernel has lost since the last time
   * @param age milliseconds for which the last frame had waited
   * @returns what may pass, if that has changed
   */
  reckon(lost: number, now: number, age = 0): Quotas | undefined {
    // What was lost until the last quotas were settled is no sign of today's.
    if (now === this.#began) return undefined;
    const spans = Math.max(1, (now - this.#began) / SPAN);
    this.#began = now;
    // Those that were lost were of the same kinds as those that were not.
    const all = 1 + lost / Math.max(1, this.#ledger.frames);
    let handled = 0;
    const spent = this.#ledger.close();
    for (const one of spent.values()) {
      handled += one.cost / spans;
      one.cost *= all / spans;
      one.frames *= all / spans;
    }
    this.#lately = Math.max(handled, this.#lately * FADES);
    this.#lateSince = age > LATE ? (this.#lateSince ?? now) : undefined;
    const isLate = this.#lateSince !== undefined && now - this.#lateSince >= TOO_LATE;
    if (lost > 0 || isLate) {
      if (now - this.#lostAt > MEMORY) this.#terms = 0;
      this.#lostAt = now;
      this.#capacity = Math.max(LEAST_CAPACITY, Math.min(this.#capacity, this.#lately) * LESS);
      this.#proven = this.#capacity;
    } else if (!this.isLimiting) return undefined;
    this.#remember(spent, spans);
    this.#hear(now);
    // What is not asked for while somebody is on trial tells nothing of what fits.
    const isTrying = [...this.#heard.values()].some(({ isTried }) => isTried);
    if (this.#lostAt !== now && !isTrying) this.#capacity *= MORE ** spans;
    return this.#changed(this.#share(now), now);
  }

  #remember(spent: ReadonlyMap<Mac, Spent>, spans: number): void {
    const parts = new Map(partsOf(this.#quotas));
    for (const [mac, { cost, frames }] of spent) {
      if (this.#heard.has(mac)) continue;
      // New ones at once: they are why frames were lost. Until now they were strangers.
      const part = parts.get(mac) ?? this.#quotas.others;
      const one: Heard = {
        ...{ mac, demand: cost / part, frames: frames / part, part },
        ...{ isTried: false, asked: 0, limited: 0 },
      };
      const strangers = this.#heard.get(STRANGERS);
      if (strangers !== undefined) {
        strangers.demand = Math.max(0, strangers.demand - one.demand);
        strangers.frames = Math.max(0, strangers.frames - one.frames);
      }
      this.#heard.set(mac, one);
    }
    for (const one of this.#heard.values()) {
      const { cost, frames } = spent.get(one.mac) ?? { cost: 0, frames: 0 };
      // Of a station that hardly passes one frame more or less tells little; none for long tells enough.
      const telling = Math.min(1, Math.max(frames, one.frames * one.part) / TELLING);
      const weight = 1 - Math.min((1 - WEIGHT * telling) ** spans, Math.exp((-spans * SPAN) / FORGET));
      one.demand += (cost / one.part - one.demand) * weight;
      one.frames += (frames / one.part - one.frames) * weight;
      if (one.part < 1) {
        one.asked = Math.max(one.asked, one.frames);
        if (one.part < MOST_DROPPED) one.limited += telling * spans;
      } else {
        one.isTried = false;
        one.asked = 0;
        one.limited = 0;
      }
      if (one.demand < 1e-3) this.#heard.delete(one.mac);
    }
  }

  /** Notes who listens. */
  #hear(now: number): void {
    for (const [mac, since] of this.#listening) if (now - since > MEMORY) this.#listening.delete(mac);
    for (const one of this.#heard.values()) {
      if (one.part >= MOST_DROPPED) continue;
      if (!asksForMuch(one) || (one.isTried && one.frames < one.asked * HALF)) {
        if (one.isTried) Object.assign(one, { isTried: false, asked: 0, limited: 0 });
        this.#listening.delete(one.mac);
        this.#listening.set(one.mac, now);
      } else if (isDeaf(one)) {
        one.isTried = false;
        this.#listening.delete(one.mac);
      }
    }
    for (const mac of this.#listening.keys()) {
      if (this.#listening.size <= MOST) break;
      this.#listening.delete(mac);
    }
  }

  /** Sets the parts so that all of it comes to the capacity. */
  #share(now: number): Quotas {
    const trickle = Math.min(MOST_TRICKLE, this.#capacity * TRICKLE);
    const all = [...this.#heard.values()].sort((one, other) => one.demand - other.demand);
    if (this.#mayTryAgain(all, now)) for (const one of all) one.limited = 0;
    const deaf = all.filter((one) => isDeaf(one) && one.demand > trickle);
    const others = all.filter((one) => !deaf.includes(one));
    let left = this.#capacity - deaf.length * trickle;
    let count = others.length;
    for (const { demand } of others) {
      if (demand * count > left) break;
      left -= demand;
      count--;
    }
    // Where their shares are less than half of what they ask for, that tells who listens.
    const fitsNearly = count > 0 && left / count > MOST_DROPPED * (others.at(-1)?.demand ?? 0);
    const suspect = fitsNearly ? (SUSPECT * this.#capacity) / all.length : Number.POSITIVE_INFINITY;
    const tried = others.filter(
      (one) =>
        one.isTried ||
        (one.demand > suspect && one.frames * TRIAL > TELLING && !this.#listening.has(one.mac)),
    );
    if (count === 0 && deaf.length === 0 && tried.length === 0) {
      // Nobody wants more than there is: nothing needs to be limited until frames are lost again.
      this.#capacity = Number.POSITIVE_INFINITY;
      this.#heard.clear();
      return NO_QUOTAS;
    }
    for (const one of all) one.part = 1;
    // One alone takes nothing from anybody.
    if (all.length === 1 && !this.#heard.has(STRANGERS)) return NO_QUOTAS;
    for (const one of deaf) one.part = partOf(one, trickle);
    for (const one of others.slice(others.length - count)) one.part = partOf(one, left / count);
    for (const one of tried) {
      one.part = Math.min(one.part, TRIAL);
      one.isTried = true;
    }
    const strangers = this.#heard.get(STRANGERS);
    const stations = all.filter((one) => one !== strangers);
    if (strangers === undefined || strangers.part === 1) {
      const limited = stations.filter(({ part }) => part < 1).slice(-MOST);
      for (const one of stations) if (!limited.includes(one)) one.part = 1;
      return { stations: limited.map(quotaOf), others: 1 };
    }
    // Who is not named is taken for a stranger: those who are heard and wait for answers first, then those who were heard.
    const heard = [...others.toReversed(), ...deaf].filter((one) => one !== strangers);
    for (const one of heard.slice(MOST)) one.part = strangers.part;
    const silent = this.#ledger.familiar().filter((mac) => !this.#heard.has(mac));
    const named = [...heard.map(quotaOf), ...silent.map((mac) => ({ mac, part: 1 }))];
    return { stations: named.slice(0, MOST), others: strangers.part };
  }

  #mayTryAgain(all: readonly Heard[], now: number): boolean {
    const quiet = now - this.#lostAt;
    if (quiet < SENTENCE * 2 ** this.#terms || !all.some(({ limited }) => limited >= DEAF)) return false;
    const asked = all.reduce((sum, { demand }) => sum + demand, 0);
    if (asked > this.#proven * DOUBT ** (quiet / 1000)) return false;
    this.#terms = Math.min(MOST_TERMS, this.#terms + 1);
    return true;
  }

  #changed(quotas: Quotas, now: number): Quotas | undefined {
    const before = new Map(partsOf(this.#quotas));
    const after = partsOf(quotas);
    const isNear = ([mac, part]: [Mac, number]): boolean =>
      Math.abs((before.get(mac) ?? 9) / part - 1) < NEAR;
    if (after.length === before.size && after.every(isNear)) {
      // What passes is what the filter knows.
      for (const [mac, part] of before) {
        const one = this.#heard.get(mac);
        if (one !== undefined) one.part = part;
      }
      return undefined;
    }
    this.#quotas = quotas;
    this.#unsettled = now;
    return quotas;
  }
}

/** Whether a station asks for as much as before, although most of it was dropped for long enough. */
function isDeaf(one: Heard): boolean {
  return one.limited >= (one.isTried ? TRIED : DEAF) && asksForMuch(one);
}

/** Whether a station asks for much of what it asked for before it was limited. */
function asksForMuch({ frames, asked }: Heard): boolean {
  return frames > asked * MUCH;
}

/** What passes of a station, so that it costs so many milliseconds of a span. */
function partOf({ demand, frames }: Heard, cost: number): number {
  return Math.min(1, Math.max(LEAST, cost / demand, LEAST_FRAMES / Math.max(frames, 1e-6)));
}

function quotaOf({ mac, part }: Heard): Quota {
  return { mac, part };
}

function partsOf({ stations, others }: Quotas): [Mac, number][] {
  return [...stations.map(({ mac, part }): [Mac, number] => [mac, part]), [STRANGERS, others]];
}
