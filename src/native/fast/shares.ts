import type { Mac } from '../../aoe/index.js';
import type { Quota } from '../../link/own-vlan.js';
import { sourceOf } from './words.js';

/** Stations are told apart by so many numbers; of two with the same one the first of a span is told. */
const STATIONS = 1024;
/** Milliseconds over which is reckoned. */
const SPAN = 10;
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
/** Part of what it asked for at first that is much. */
const MUCH = 1 / 4;
/** What such a station gets, as part of all and in milliseconds of a span: enough to see when it stops. */
const TRICKLE = 1 / 64;
const MOST_TRICKLE = 0.02;
/** Stations that the socket's filter knows. */
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
  /** The most that it has asked for while it was limited, and for how many telling spans it has been. */
  asked: number;
  limited: number;
}

interface Spent {
  cost: number;
  frames: number;
}

/**
 * Fair shares of this process among the stations of an interface. As long as no frame is lost nothing is limited: initiators
 * wait for their answers. When the kernel has lost frames because they came faster than they could be handled, those who
 * ask for more than their share (max-min fairness) pass in part, by chance, and the socket's filter drops the rest. An initiator
 * then asks for less, since it waits for answers; who does not is no initiator, and gets next to nothing.
 */
export class Shares {
  readonly #spent = new Float64Array(STATIONS);
  readonly #count = new Uint32Array(STATIONS);
  readonly #middle = new Uint32Array(STATIONS);
  readonly #source = new Uint32Array(STATIONS);
  readonly #active: number[] = [];
  #frames = 0;
  #heard = new Map<Mac, Heard>();
  /** What is handled in a span; no limit as long as it was always enough. */
  #capacity = Number.POSITIVE_INFINITY;
  /** The most that was handled in one of the last spans: in a single one this process may not have run. */
  #lately = 0;
  #began: number;
  /** Since when there are frames in the queue that came by the quotas before; those of today tell nothing of them. */
  #unsettled: number | undefined;
  #quotas: readonly Quota[] = [];

  constructor(now: number) {
    this.#began = now;
  }

  /** A frame. @param middle the words that hold its source @param cost milliseconds that it took */
  spend(middle: number, source: number, cost: number): void {
    const station = Math.imul((middle >>> 16) ^ source, 0x9e37_79b1) >>> 22;
    if (this.#spent[station] === 0) {
      this.#middle[station] = middle;
      this.#source[station] = source;
      this.#active.push(station);
    }
    this.#spent[station] = (this.#spent[station] as number) + cost;
    this.#count[station] = (this.#count[station] as number) + 1;
    this.#frames++;
  }

  /** Whether it is time to reckon. @param isEmpty whether all frames that waited were handled @param now milliseconds */
  isDue(isEmpty: boolean, now: number): boolean {
    if (this.#unsettled !== undefined && (isEmpty || now - this.#unsettled > SETTLING)) {
      this.#unsettled = undefined;
      this.#forget();
      this.#began = now;
      return true;
    }
    return this.#unsettled === undefined && now - this.#began >= SPAN;
  }

  /**
   * @param lost frames that the kernel has lost since the last time
   * @returns what may pass, if that has changed
   */
  reckon(lost: number, now: number): readonly Quota[] | undefined {
    // What was lost until the last quotas were settled is no sign of today's.
    if (now === this.#began) return undefined;
    const spans = Math.max(1, (now - this.#began) / SPAN);
    this.#began = now;
    // Those that were lost were of the same kinds as those that were not.
    const all = 1 + lost / Math.max(1, this.#frames);
    let handled = 0;
    const spent = new Map<Mac, Spent>();
    for (const station of this.#active) {
      const cost = (this.#spent[station] as number) / spans;
      const frames = (this.#count[station] as number) / spans;
      handled += cost;
      const mac = sourceOf(this.#middle[station] as number, this.#source[station] as number);
      spent.set(mac, { cost: cost * all, frames: frames * all });
    }
    this.#forget();
    this.#lately = Math.max(handled, this.#lately * FADES);
    if (lost > 0) this.#capacity = Math.min(this.#capacity, this.#lately) * LESS;
    else if (this.#capacity !== Number.POSITIVE_INFINITY) this.#capacity *= MORE;
    else return undefined;
    this.#remember(spent, spans);
    return this.#changed(this.#share(), now);
  }

  #forget(): void {
    for (const station of this.#active) {
      this.#spent[station] = 0;
      this.#count[station] = 0;
    }
    this.#active.length = 0;
    this.#frames = 0;
  }

  #remember(spent: ReadonlyMap<Mac, Spent>, spans: number): void {
    for (const [mac, { cost, frames }] of spent) {
      // New ones at once: they are why frames were lost.
      if (!this.#heard.has(mac)) {
        this.#heard.set(mac, { mac, demand: cost, frames, part: 1, asked: 0, limited: 0 });
      }
    }
    for (const one of this.#heard.values()) {
      const { cost, frames } = spent.get(one.mac) ?? { cost: 0, frames: 0 };
      // Of a station that hardly passes one frame more or less tells little.
      const telling = Math.min(1, (spans * Math.max(frames, one.frames * one.part)) / TELLING);
      one.demand += (cost / one.part - one.demand) * WEIGHT * telling;
      one.frames += (frames / one.part - one.frames) * WEIGHT * telling;
      if (one.part < 1) {
        one.asked = Math.max(one.asked, one.demand);
        one.limited += telling;
      } else {
        one.asked = 0;
        one.limited = 0;
      }
      if (one.demand < 1e-3) this.#heard.delete(one.mac);
    }
  }

  /** Sets the parts so that all of it comes to the capacity. */
  #share(): Quota[] {
    const trickle = Math.min(MOST_TRICKLE, this.#capacity * TRICKLE);
    const all = [...this.#heard.values()].sort((one, other) => one.demand - other.demand);
    const deaf = all.filter(
      ({ limited, demand, asked }) => limited >= DEAF && demand > asked * MUCH && demand > trickle,
    );
    const others = all.filter((one) => !deaf.includes(one));
    let left = this.#capacity - deaf.length * trickle;
    let count = others.length;
    for (const { demand } of others) {
      if (demand * count > left) break;
      left -= demand;
      count--;
    }
    if (count === 0 && deaf.length === 0) {
      // Nobody wants more than there is: nothing needs to be limited until frames are lost again.
      this.#capacity = Number.POSITIVE_INFINITY;
      this.#heard.clear();
      return [];
    }
    for (const one of all) one.part = 1;
    // One alone takes nothing from anybody.
    if (all.length === 1) return [];
    for (const one of deaf) one.part = Math.max(LEAST, trickle / one.demand);
    for (const one of others.slice(others.length - count))
      one.part = Math.max(LEAST, left / count / one.demand);
    const limited = all.filter(({ part }) => part < 1).slice(-MOST);
    for (const one of all) if (!limited.includes(one)) one.part = 1;
    return limited.map(({ mac, part }) => ({ mac, part }));
  }

  #changed(quotas: readonly Quota[], now: number): readonly Quota[] | undefined {
    const before = new Map(this.#quotas.map(({ mac, part }) => [mac, part]));
    const isNear = ({ mac, part }: Quota): boolean => Math.abs((before.get(mac) ?? 9) / part - 1) < NEAR;
    if (quotas.length === before.size && quotas.every(isNear)) {
      // What passes is what the filter knows.
      for (const [mac, part] of before) (this.#heard.get(mac) as Heard).part = part;
      return undefined;
    }
    this.#quotas = quotas;
    this.#unsettled = now;
    return quotas;
  }
}
