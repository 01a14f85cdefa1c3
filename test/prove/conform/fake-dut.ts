import { setTimeout as sleep } from 'node:timers/promises';
import { content } from '../../../src/prove/conform/content.js';
import type { Dut, DutExport } from '../../../src/prove/conform/dut.js';
import { MemorySegment } from '../../../src/wire/link/index.js';
import { FakeTarget } from '../../wire/initiator/fake-target.js';
import { INITIATOR_MAC, TARGET_MAC } from '../../wire/initiator/lab.js';

/** A FAKE target as the suite's DUT, which a test can end or make deaf. */
export class FakeDut implements Dut {
  implementation = 'fake';
  release = '1';
  readonly target = { place: 'here' as const, kernel: '6.1' };
  patience = 15_000;
  /** Milliseconds that `revive` takes. */
  revival = 0;
  readonly main: DutExport = { address: { shelf: 7, slot: 3 }, sectors: 64 };
  readonly readOnly = undefined;
  readonly big = undefined;
  readonly announced: Buffer[] = [];
  readonly link;
  readonly fake: FakeTarget;
  ended = false;
  revived = 0;
  renewed = 0;
  /** What `resetBacking` was told. */
  resets: (boolean | undefined)[] = [];
  /** Its config string can't be cleared over the wire. */
  isStubborn = false;
  /** Of its kernel. */
  complaints: string[] = [];

  constructor() {
    const segment = new MemorySegment(9000);
    this.link = segment.join(INITIATOR_MAC);
    this.fake = new FakeTarget(segment.join(TARGET_MAC), { shelf: 7, slot: 3, sectors: 64, maxSectors: 17 });
  }

  /** Its process ends. */
  crash(): void {
    this.ended = true;
    this.fake.deaf = true;
  }

  async alive(): Promise<boolean> {
    return !this.ended;
  }

  async howItEnded(): Promise<string> {
    return 'its process ended';
  }

  async trouble(): Promise<string[]> {
    return this.complaints;
  }

  async kill(): Promise<void> {
    this.crash();
  }

  async revive(): Promise<void> {
    this.revived++;
    await sleep(this.revival);
    this.ended = false;
    this.fake.deaf = false;
  }

  async renew(): Promise<void> {
    this.renewed++;
    await this.revive();
    this.fake.configString = Buffer.alloc(0);
    delete this.fake.options.answer;
  }

  async readBacking(_of: DutExport, lba: number, count: number): Promise<Buffer> {
    return Buffer.from(this.fake.disk.subarray(lba * 512, (lba + count) * 512));
  }

  async writeBacking(_of: DutExport, lba: number, data: Buffer): Promise<void> {
    this.fake.disk.set(data, lba * 512);
  }

  async backingSize(): Promise<number> {
    return this.fake.disk.length;
  }

  async resetBacking(isTouched?: boolean): Promise<void> {
    this.resets.push(isTouched);
    this.fake.disk.set(content(0, 64));
  }
}
