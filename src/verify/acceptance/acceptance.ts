/** The handbook's acceptance: a target, and the Linux client in a guest, on one hub. */
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SECTOR } from '../../aoe/index.js';
import type { Host } from '../../host/host.js';
import { exportTarget } from '../../target/export.js';
import { provide } from '../../target/provide.js';
import { unexportTargets } from '../../target/unexport.js';
import type { Guest } from '../../vm/index.js';
import { type Place, placeOf } from '../place.js';
import { targetGuest } from '../target-guest.js';
import { Theatre } from '../theatre.js';
import { AoeClient } from './client.js';
import { findingsOf, isKnown } from './known.js';
import { linuxTests } from './linux-tests.js';
import { ownTests } from './own-tests.js';
import { needsFio } from './prepare.js';
import { Record, since, type TestName, type TestResult } from './record.js';
import { DEAD_SECONDS, type Stage, type Tests } from './scene.js';

export interface AcceptanceOptions {
  implementation: string;
  release?: string | undefined;
  source?: string | undefined;
  offline?: boolean | undefined;
  tests: readonly TestName[];
  /** Of the guests, as guestKernel takes it. */
  kernel: string;
  /** Of the client's guest, if it is another. */
  clientKernel?: string | undefined;
  /** The client: the Linux driver in a guest, or aoe-lab's own here; the guest otherwise. */
  initiator?: Place | undefined;
  /** Where a daemon runs; a module needs a guest. */
  place?: Place | undefined;
  /** Bytes, of the wire. */
  mtu: number;
  /** Use the network namespace of this process. */
  inPlace?: boolean | undefined;
  signal?: AbortSignal | undefined;
  onStep(test: string, step: string): void;
}

export interface AcceptanceReport {
  implementation: string;
  release: string;
  /** Where the target ran, and the kernel below it. */
  target: { place: Place; kernel: string };
  /** What the client was, and the kernel below it. */
  client: { driver: 'Linux aoe driver' | 'aoe-lab'; kernel: string };
  mtu: number;
  passed: boolean;
  /** Of everything: machines, build, tests. */
  seconds: number;
  /** Until the tests began. */
  setUpSeconds: number;
  tests: TestResult[];
  /** What is worth knowing although nothing failed. */
  findings: string[];
  /** What the guests' kernels complained of. */
  trouble: string[];
}

const ADDRESS = { shelf: 0, slot: 1 };
const DISK = 256 * 2 ** 20;
/** Of aoe-lab's own initiator. */
const OWN_MAC = 0x02_00_00_0a_0e_10;

/**
 * Provides a target, exports it, boots a client beside it, and runs tests; takes everything away afterwards.
 * @throws LabError if it does not come that far: what the target does wrong is in the report
 */
export async function accept(host: Host, options: AcceptanceOptions): Promise<AcceptanceReport> {
  const begun = performance.now();
  const { kernel, clientKernel = kernel, mtu, onStep, signal } = options;
  onStep('set-up', 'source and build');
  const provided = await provide(options.implementation, options);
  const place = placeOf(provided, options.place);
  const theatre = await Theatre.open(host, { purpose: 'verify', mtu, signal });
  try {
    onStep('set-up', 'machines and export');
    const fio = needsFio(options.tests);
    const disk = join(theatre.folder, 'disk');
    await writeFile(disk, '');
    await truncate(disk, DISK);
    const [stage, audience] = await Promise.all([
      place === 'here'
        ? theatre.here(options.inPlace ?? false)
        : targetGuest(theatre, { kernel, disks: [disk], offline: options.offline }),
      options.initiator === 'here'
        ? undefined
        : theatre.guest('client', { kernel: clientKernel, fio, offline: options.offline }),
    ]);
    const exported = await exportTarget(stage.host, provided, {
      ...ADDRESS,
      iface: stage.iface,
      ...(stage.netns === undefined ? {} : { netns: stage.netns }),
      path: place === 'here' ? disk : '/dev/vda',
      // Ours alone.
      force: true,
      options: {},
    });
    theatre.later(() => unexportTargets(stage.host, [exported.id], false));
    const record = new Record(onStep);
    const findings: string[] = [];
    const { port } = stage;
    const common: Stage = {
      target: { ...stage, id: exported.id, sectors: exported.size / SECTOR },
      wire: {
        cut: () => port.cut(),
        restore: () => port.restore(),
        frames: () => port.counts.in.delivered,
      },
      finding: (text) => findings.push(text),
    };
    const tests =
      audience === undefined
        ? ownTests({ ...common, link: theatre.plug(OWN_MAC, 'client'), address: ADDRESS })
        : linuxTests({ ...common, client: await linuxClient(audience.guest, record) });
    const setUpSeconds = since(begun);
    const outcome = await runTests(tests, options.tests, record);
    // What failed because the run was called off says nothing of the target.
    signal?.throwIfAborted();
    const all = await troubleOf([
      ...(audience === undefined ? [] : [audience.guest]),
      ...('guest' in stage ? [stage.guest as Guest] : []),
    ]);
    const trouble = all.filter((text) => !isKnown(text));
    findings.push(...findingsOf(all));
    return {
      implementation: provided.implementation,
      release: provided.release,
      target: { place, kernel: (await stage.host.facts()).kernel },
      client: await clientOf(host, audience?.guest),
      mtu,
      ...outcome,
      passed: outcome.passed && trouble.length === 0,
      seconds: since(begun),
      setUpSeconds,
      findings,
      trouble,
    };
  } finally {
    await theatre.close();
  }
}

/** The Linux driver in a guest, loaded once the guest hears the wire. */
async function linuxClient(guest: Guest, record: Record): Promise<AoeClient> {
  const client = new AoeClient(record.watch(guest.host), ADDRESS);
  await client.carrier('eth0');
  await guest.loadModule('aoe', [`aoe_deadsecs=${DEAD_SECONDS}`, 'aoe_iflist=eth0']);
  return client;
}

async function clientOf(host: Host, guest: Guest | undefined): Promise<AcceptanceReport['client']> {
  if (guest === undefined) return { driver: 'aoe-lab', kernel: (await host.facts()).kernel };
  return { driver: 'Linux aoe driver', kernel: guest.record.release ?? guest.record.kernel };
}

/** Oopses and warnings of guests' kernels, whoever caused them. */
async function troubleOf(guests: readonly Guest[]): Promise<string[]> {
  const all = await Promise.all(
    guests.map(async (guest) => (await guest.trouble()).map((text) => `${guest.host.name}: ${text}`)),
  );
  return all.flat();
}

/** Runs tests in the order in which they are named; what failed in one does not keep the others from running. */
async function runTests(
  tests: Tests,
  names: readonly TestName[],
  record: Record,
): Promise<Pick<AcceptanceReport, 'passed' | 'tests'>> {
  let failed = false;
  for (const name of names) if (!(await record.test(name, tests[name]))) failed = true;
  // Nothing that ran is nothing that passed.
  return { passed: !failed && record.tests.some(({ passed }) => passed), tests: record.tests };
}
