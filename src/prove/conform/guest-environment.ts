import type { Host } from '../../hosts/host/host.js';
import type { Link } from '../../wire/link/link.js';
import { type TargetGuest, type TargetGuestOptions, targetGuest } from '../testbed/target-guest.js';
import type { Testbed } from '../testbed/testbed.js';
import type { Environment } from './environment.js';

/** Milliseconds: a case may have the guest booted anew, under emulation. */
const PATIENCE = 300_000;
/** Of the initiator; unlike those that cases give to others. */
const INITIATOR = 0x02_00_00_0a_0e_10;
/** Milliseconds for a command that does little. */
const SHORTLY = 15_000;

/** A guest, joined to the initiator by a hub. Its address stays the same when it is booted anew. */
export class GuestEnvironment implements Environment {
  readonly place = 'guest';
  readonly iface = 'eth0';
  readonly netns = undefined;
  readonly patience = PATIENCE;
  readonly isSlow = true;
  readonly link: Link;
  readonly #testbed: Testbed;
  readonly #options: TargetGuestOptions;
  #guest: TargetGuest | undefined;
  /** Of guests that have ended. */
  readonly #past: string[] = [];

  private constructor(testbed: Testbed, options: TargetGuestOptions) {
    this.#testbed = testbed;
    this.#options = { ...options };
    this.link = testbed.plug(INITIATOR, 'initiator');
  }

  /** Boots it. @throws as bootGuest */
  static async start(testbed: Testbed, options: TargetGuestOptions): Promise<GuestEnvironment> {
    const environment = new GuestEnvironment(testbed, options);
    await environment.start();
    return environment;
  }

  get host(): Host {
    if (this.#guest === undefined) throw new TypeError('the guest is down');
    return this.#guest.host;
  }

  pathOf(file: string): string {
    return `/dev/vd${String.fromCharCode(0x61 + this.#options.disks.indexOf(file))}`;
  }

  /** A target may go through the guest's page cache, which knows nothing of the file's. */
  async sync(): Promise<void> {
    const devices = this.#options.disks.map((file) => this.pathOf(file));
    await this.host.run(['blockdev', '--flushbufs', ...devices], { timeout: SHORTLY });
  }

  async isUp(): Promise<boolean> {
    return (await this.#guest?.guest.isRunning()) ?? false;
  }

  async start(): Promise<void> {
    if (await this.isUp()) return;
    await this.cutPower();
    this.#guest = await targetGuest(this.#testbed, this.#options);
    this.#options.mac = this.#guest.guest.record.links[0]?.mac;
  }

  readonly cutPower = async (): Promise<void> => {
    if (this.#guest === undefined) return;
    this.#past.push(...(await this.#guest.guest.trouble()));
    await this.#guest.end();
    this.#guest = undefined;
  };

  async trouble(): Promise<string[]> {
    return [...this.#past, ...((await this.#guest?.guest.trouble()) ?? [])];
  }
}
