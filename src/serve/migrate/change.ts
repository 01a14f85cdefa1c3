import { type AnnouncementWatch, watchAnnouncements } from '../exports/announcement.js';
import { prepareCutover } from '../exports/cutover.js';
import type { Action } from '../exports/driver.js';
import { driverFor } from '../exports/drivers.js';
import type { EntryStore } from '../exports/entry.js';
import { attachOwn } from '../exports/loops.js';
import { requireAnnouncement } from '../exports/ready.js';
import type { MigrationPlan } from './migration-plan.js';

/** The moment of a migration: one target stops, another one starts. */
export class Change {
  readonly #store: EntryStore;
  readonly #plan: MigrationPlan;
  readonly #isTested: boolean;
  #steps: Action[] = [];
  /** The second step is to start the new target, and its announcement is waited for. */
  #isWatched = false;
  #watch: AnnouncementWatch | undefined;

  /** @param isTested whether the new target will be asked over the wire; its announcement is proof enough otherwise */
  constructor(store: EntryStore, plan: MigrationPlan, isTested: boolean) {
    this.#store = store;
    this.#plan = plan;
    this.#isTested = isTested;
  }

  /** Does all that can be done while the old target serves. The entry has to say already that the export moves. */
  async prepare(): Promise<void> {
    const { old, next } = this.#plan;
    const [before, after] = [driverFor(this.#store, old), driverFor(this.#store, next)];
    const stop = await before.prepareStop(old);
    const start = await this.#prepareStart();
    this.#isWatched = !this.#isTested && this.#store.host.isHere;
    // Two that are told apart by nothing must not be there at once, and a watch has to begin between them.
    const atOnce =
      this.#isWatched || before.mark(old) === after.mark(next)
        ? undefined
        : await prepareCutover(this.#store, stop, start);
    if (atOnce === undefined) this.#steps = [stop, start];
    // A supervisor may have started another process after they were counted.
    else this.#steps = old.restart === undefined ? [atOnce] : [atOnce, { run: () => this.#stopRest() }];
  }

  async carryOut(): Promise<void> {
    const { old } = this.#plan;
    const { host } = this.#store;
    const [first, second] = this.#steps;
    await first?.run();
    // From now on, so that no answer of the old target is taken for an announcement.
    if (this.#isWatched) this.#watch = await watchAnnouncements(host.inNamespace(old.netns), old.iface);
    await second?.run();
  }

  /** @throws LabError if the new target has to announce the export and does not */
  async requireAnnouncement(): Promise<void> {
    if (this.#watch !== undefined) await requireAnnouncement(this.#store, this.#plan.next, this.#watch);
  }

  async close(): Promise<void> {
    await this.#watch?.close();
  }

  async #stopRest(): Promise<void> {
    const { old } = this.#plan;
    const rest = await driverFor(this.#store, old).prepareStop(old);
    await rest.run();
  }

  /** A loop device that has to be made is made when the old target has let go of the file: a cache lies between the two. */
  async #prepareStart(): Promise<Action> {
    const { next, needsLoop } = this.#plan;
    const driver = driverFor(this.#store, next);
    if (!needsLoop) return driver.prepareStart(next);
    return {
      run: async () => {
        await driver.start(await attachOwn(this.#store, next));
      },
    };
  }
}
