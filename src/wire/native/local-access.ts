/** What whoever runs a target decides about what initiators set on it: whether they may, and that it is cleared. */
import { formatAddress, formatMac } from '../aoe/index.js';
import type { Served } from './served.js';
import type { ExportSettings } from './settings.js';
import { withoutLimits } from './state.js';
import type { ToldAccess } from './status-file.js';

type Given = Pick<ExportSettings, 'locked' | 'accessCleared'>;

/** Settings but for those that are taken while the export is served. */
export function withoutAccess<T extends Given>({
  locked: _,
  accessCleared: __,
  ...rest
}: T): Omit<T, keyof Given> {
  return rest;
}

/** What is in force, although it may not have been kept yet; of orders, what has. */
export function toldAccess({ target, keeper }: Pick<Served, 'target' | 'keeper'>): ToldAccess {
  const { configString, masks, reservation } = target.state;
  const { cleared } = keeper.kept;
  return {
    configString: configString.toString('base64'),
    masks: masks.map(formatMac),
    reservation: reservation.map(formatMac),
    locked: target.locked,
    ...(cleared === undefined ? {} : { cleared }),
  };
}

/** Has targets follow their settings; to be asked again and again, as a disk may be full. Nothing in it waits for a disk. */
export class LocalAccess {
  readonly #log: (line: string) => void;
  readonly #keeping = new Set<Served>();
  /** Whose clearing could not be kept, and was told. */
  readonly #failed = new WeakSet<Served>();

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  /** @param running one that several interfaces serve is locked, and cleared, if one of them says so */
  apply(running: readonly { settings: Given; served: Served }[]): void {
    for (const served of new Set(running.map((one) => one.served))) {
      const given = running.filter((one) => one.served === served).map(({ settings }) => settings);
      served.target.locked = given.some(({ locked }) => locked);
      const orders = given.flatMap(({ accessCleared }) => accessCleared ?? []).sort();
      const order = orders.at(-1);
      if (order !== undefined) this.#clear(served, order);
    }
  }

  /** The order is kept with what it leaves: what initiators set later on outlives a restart. */
  #clear(served: Served, order: string): void {
    const { target, keeper } = served;
    if (keeper.kept.cleared === order) return;
    if (target.state.cleared !== order) target.state = withoutLimits(target.state, order);
    if (!this.#keeping.has(served)) void this.#keep(served);
  }

  async #keep(served: Served): Promise<void> {
    const { target, keeper } = served;
    const address = formatAddress(target.address);
    this.#keeping.add(served);
    try {
      await keeper.keep(target.state);
      this.#failed.delete(served);
      this.#log(`${address}: MAC mask list and reservation were cleared`);
    } catch (error) {
      if (this.#failed.has(served)) return;
      this.#failed.add(served);
      this.#log(
        `${address}: that MAC mask list and reservation were cleared can't be kept: ${String(error)}`,
      );
    } finally {
      this.#keeping.delete(served);
    }
  }
}
