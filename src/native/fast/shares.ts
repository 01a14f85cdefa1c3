import type { Mac } from '../../aoe/index.js';
import type { Quota } from '../../link/own-vlan.js';
import { sourceOf } from './words.js';

/** Stations are told apart by so many numbers; of two with the same one the first of a span is told. */
const STATIONS = 1024;
/** Milliseconds over which is reckoned. */
const SPAN = 10;
/** What is left of what could be handled when frames were lost, and how that grows while none are. */
const LESS = 0.85;
const MORE = 1.01;
/** Milliseconds after which frames that waited when quotas were set are taken to be gone. */
const SETTLING = 100;
/** Weight of the last span among those before it. */
const WEIGHT = 0.2;
/** Spans, more of such than of others, in which a station asked for as much although most of it was dropped: it waits for no answer. */
const DEAF = 5;
const DEAFEST = 100;
/** Part of all that such a station gets: enough to see when it stops. */
const TRICKLE = 1 / 64;
/** Stations that the socket's filter knows. */
const MOST = 24;
/** Least part that passes. */
const LEAST = 1e-4;
/** Quotas that differ by less stay as they are: to set them costs a call. */
const NEAR = 0.15;

interface Heard {
  mac: Mac;
  /** What it asks for in a span. */
  demand: number;
  /** Part of its frames that pass. */
  part: number;
  /** Grows while it is limited and asks for as much as before. */
  deaf: number;
}

/**
 * Fair shares of this process among the stations of an interface. As long as no frame is lost nothing is limited: initiators
 * wait for their answers. When the kernel has lost frames because they came faster than they could be handled, those who
 * ask for more than their share (max-min fairness) pass in part, by chance, and the socket's filter drops the rest. An initiator
 * then asks for less, since it waits for answers; who does not is no initiator, and gets next to nothing.
 */
export class Shares {
  readonly #spent = new Float64Array(STATIONS);
  readonly #middle = new Uint32Array(STATIONS);
  readonly #source = new Uint32Array(STATIONS);
  readonly #active: number[] = [];
  #frames = 0;
  #heard = new Map<Mac, Heard>();
  /** What is handled in a span; no limit as long as it was always enough. */
  #capacity = Number.POSITIVE_INFINITY;
  #began: number;
  /** Since when there are frames in the queue that came by the quotas before; those of today tell nothing of them. */
  #unsettled: number | undefined;
  #quotas: readonly Quota[] = [];

  constructor(now: number) {
    this.#began = now;
  }

  /** A frame. @param middle the words that hold its source @param cost what it took to handle it, in any unit */
  spend(middle: number, source: number, cost: number): void {
    const station = Math.imul((middle >>> 16) ^ source, 0x9e37_79b1) >>> 22;
    if (this.#spent[station] === 0) {
      this.#middle[station] = middle;
      this.#source[station] = source;
      this.#active.push(station);
    }
    this.#spent[station] = (this.#spent[station] as number) + cost;
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
    const spent = new Map<Mac, number>();
    for (const station of this.#active) {
      const cost = (this.#spent[station] as number) / spans;
      handled += cost;
      spent.set(sourceOf(this.#middle[station] as number, this.#source[station] as number), cost * all);
    }
    this.#forget();
    if (lost > 0) this.#capacity = Math.min(this.#capacity, handled) * LESS;
    else if (this.#capacity !== Number.POSITIVE_INFINITY) this.#capacity *= MORE;
    else return undefined;
    this.#remember(spent);
    return this.#changed(this.#share(), now);
  }

  #forget(): void {
    for (const station of this.#active) this.#spent[station] = 0;
    this.#active.length = 0;
    this.#frames = 0;
  }

  #remember(spent: ReadonlyMap<Mac, number>): void {
    for (const mac of spent.keys()) {
      if (!this.#heard.has(mac)) this.#heard.set(mac, { mac, demand: 0, part: 1, deaf: 0 });
    }
    for (const one of this.#heard.values()) {
      const demand = (spent.get(one.mac) ?? 0) / one.part;
      if (one.part < 1) {
        one.deaf = demand > one.demand / 2 ? Math.min(DEAFEST, one.deaf + 1) : Math.max(0, one.deaf - 1);
      }
      // New ones at once: they are why frames were lost.
      one.demand = one.demand === 0 ? demand : one.demand * (1 - WEIGHT) + demand * WEIGHT;
      if (one.demand < 1e-3) this.#heard.delete(one.mac);
    }
  }

  /** Sets the parts so that all of it comes to the capacity. */
  #share(): Quota[] {
    const trickle = this.#capacity * TRICKLE;
    const all = [...this.#heard.values()].sort((one, other) => one.demand - other.demand);
    const deaf = all.filter((one) => one.deaf >= DEAF && one.demand > trickle);
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
