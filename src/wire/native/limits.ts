/** What is told of stations that an interface limits: to the log, and to whoever asks how the exports stand. */
import { formatMac } from '../aoe/index.js';
import type { Quotas } from '../link/own-vlan.js';
import type { ToldLimits } from './status-file.js';

/** Undefined while all frames pass. */
export function toldLimits(quotas: Quotas | undefined): { limits?: ToldLimits } {
  if (quotas === undefined) return {};
  const stations = quotas.stations.filter(({ part }) => part < 1);
  if (stations.length === 0 && quotas.others === 1) return {};
  return {
    limits: {
      stations: stations.map(({ mac, part }) => ({ mac: formatMac(mac), part })),
      others: quotas.others,
    },
  };
}

/** In one line, as status and log have it. */
export function describeLimits({ stations, others }: ToldLimits): string {
  const who = stations.map(({ mac, part }) => `${mac} (${percent(part)} of its frames pass)`);
  if (others < 1) who.push(`stations not heard before (${percent(others)})`);
  return `more frames come than can be handled: limited are ${who.join(', ')}`;
}

function percent(part: number): string {
  return part < 0.01 ? 'less than 1 %' : `${Math.round(part * 100)} %`;
}

/** Tells the log once when an interface begins to limit stations, and once when it ends. */
export class LimitsLog {
  readonly #limited = new Set<string>();
  readonly #log: (line: string) => void;

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  tell(iface: string, quotas: Quotas | undefined): void {
    const { limits } = toldLimits(quotas);
    if ((limits !== undefined) === this.#limited.has(iface)) return;
    if (limits === undefined) {
      this.#limited.delete(iface);
      this.#log(`${iface}: no station is limited any more`);
    } else {
      this.#limited.add(iface);
      this.#log(`${iface}: ${describeLimits(limits)}`);
    }
  }
}
