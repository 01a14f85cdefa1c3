/**
 * The Linux AoE client (drivers/block/aoe of the kernel) on a host. Its control files: /dev/etherd/discover, revalidate
 * and flush (aoechr.c); its devices: /sys/block/etherd!eSHELF.SLOT with `state` (aoeblk.c).
 */

import { LabError } from '../../base/errors.js';
import { pollUntil } from '../../base/poll.js';
import type { Host } from '../../hosts/host/host.js';
import { writeLines } from '../../hosts/host/write-line.js';
import { type Address, formatAddress, SECTOR } from '../../wire/aoe/index.js';
import { kernelLog, linesAfter } from './kernel-log.js';
import { withoutKnown } from './known.js';

const POLL = 100;
/** Milliseconds between two broadcasts of a discovery: one may be lost. */
const ASK_EVERY = 2000;

type Runner = Pick<Host, 'run' | 'name'>;

export interface ClientDevice {
  /** `/dev/etherd/e0.1` */
  path: string;
  state: string;
  sectors: number;
}

export class AoeClient {
  readonly host: Runner;
  readonly address: Address;
  readonly device: string;
  readonly #sysfs: string;
  readonly #makeNodes: () => Promise<void>;

  /** @param makeNodes called when the device is up: nobody else may make its node */
  constructor(host: Runner, address: Address, makeNodes = async (): Promise<void> => {}) {
    this.host = host;
    this.#makeNodes = makeNodes;
    this.address = address;
    this.device = `/dev/etherd/${formatAddress(address)}`;
    this.#sysfs = `/sys/block/etherd!${formatAddress(address)}`;
  }

  /** Waits until an interface has its carrier: the driver's first query would be lost otherwise, and the next comes a minute later. */
  async carrier(iface: string): Promise<void> {
    await this.until(`the carrier of ${iface}`, 10_000, async () => {
      const carrier = await this.#text(`/sys/class/net/${iface}/carrier`);
      return carrier === '1' ? true : undefined;
    });
  }

  /** How the device is now; undefined if there is none. */
  async look(): Promise<ClientDevice | undefined> {
    const [state, size] = await Promise.all([
      this.#text(`${this.#sysfs}/state`),
      this.#text(`${this.#sysfs}/size`),
    ]);
    if (state === undefined) return undefined;
    return { path: this.device, state, sectors: Number(size ?? 0) };
  }

  /** Asks for targets until the device is usable: its node appears before its size is known. @throws LabError */
  async discovered(patience: number): Promise<ClientDevice> {
    let asked = Number.NEGATIVE_INFINITY;
    return this.#up('to come up', patience, async () => {
      if (performance.now() - asked > ASK_EVERY) {
        asked = performance.now();
        await this.#tell('discover', '');
      }
    });
  }

  /** Without asking: the target has to announce itself. @throws LabError */
  async appears(patience: number): Promise<ClientDevice> {
    return this.#up('to come up by itself', patience);
  }

  /** Has a device that was given up while it was open asked for again. */
  revalidate(): Promise<void> {
    return this.#tell('revalidate', formatAddress(this.address));
  }

  /** Forgets devices that are down and closed. */
  flush(): Promise<void> {
    return this.#tell('flush', 'all');
  }

  /** Lines of the kernel's log that tell of trouble, but for what it is known for. @param since a line as `lastKernelLine` says: only later ones */
  async complaints(since: string | undefined): Promise<string[]> {
    const lines = withoutKnown(linesAfter(await kernelLog(this.host), since));
    return lines.filter((line) => TROUBLE.test(line));
  }

  /** The newest line of the kernel's log. */
  async lastKernelLine(): Promise<string | undefined> {
    return (await kernelLog(this.host)).at(-1);
  }

  /** Polls until there is an answer. @param patience milliseconds @throws LabError if none comes */
  async until<T>(what: string, patience: number, look: () => Promise<T | undefined>): Promise<T> {
    const found = await pollUntil(look, { every: POLL, patience });
    if (found !== undefined) return found;
    const device = await this.look();
    throw new LabError({
      tried: `waiting ${patience / 1000} s for ${what} on ${this.host.name}`,
      happened:
        device === undefined
          ? 'the client has no such device'
          : `its state is "${device.state}", it has ${device.sectors * SECTOR} bytes`,
    });
  }

  async #up(how: string, patience: number, meanwhile?: () => Promise<void>): Promise<ClientDevice> {
    const found = await this.until(`${this.device} ${how}`, patience, async () => {
      const device = await this.look();
      if (device?.state === 'up' && device.sectors > 0) return device;
      await meanwhile?.();
      return undefined;
    });
    await this.#makeNodes();
    return found;
  }

  async #tell(file: string, line: string): Promise<void> {
    await this.host.run(writeLines([{ path: `/dev/etherd/${file}`, line }]));
  }

  async #text(path: string): Promise<string | undefined> {
    const { stdout, exitCode } = await this.host.run(['cat', path], { accept: [1] });
    return exitCode === 0 ? stdout.trim() : undefined;
  }
}

const TROUBLE = /\b(BUG|Oops|WARNING|I\/O error|EXT4-fs error|call trace|general protection|hung|lockup)\b/i;
