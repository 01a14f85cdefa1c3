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
import { basic } from './basic.js';
import { AoeClient } from './client.js';
import { failure } from './failure.js';
import { isKnown, KNOWN_FINDING } from './known.js';
import { load } from './load.js';
import { needsFio } from './prepare.js';
import { Record, since, type TestName, type TestResult } from './record.js';
import { restart } from './restart.js';
import { DEAD_SECONDS, type Scene } from './scene.js';
import { leave } from './volume.js';

export interface AcceptanceOptions {
  implementation: string;
  release?: string | undefined;
  source?: string | undefined;
  offline?: boolean | undefined;
  tests: readonly TestName[];
  /** Of the guests, as guestKernel takes it. */
  kernel: string;
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
  /** The client's kernel. */
  client: { kernel: string };
  mtu: number;
  passed: boolean;
  /** Of everything: machines, build, tests. */
  seconds: number;
  /** Until the tests began. */
  setUpSeconds: number;
  tests: TestResult[];
  /** What is worth knowing although nothing failed. */
  findings: string[];
}

const ADDRESS = { shelf: 0, slot: 1 };
const DISK = 256 * 2 ** 20;

/**
 * Provides a target, exports it, boots a client beside it, and runs tests; takes everything away afterwards.
 * @throws LabError if it does not come that far: what the target does wrong is in the report
 */
export async function accept(host: Host, options: AcceptanceOptions): Promise<AcceptanceReport> {
  const begun = performance.now();
  const { kernel, mtu, onStep, signal } = options;
  onStep('set-up', 'source and build');
  const provided = await provide(options.implementation, options);
  const place = placeOf(provided, options.place);
  const theatre = await Theatre.open(host, { purpose: 'verify', mtu });
  const abort = (): void => void theatre.close().catch(() => {});
  signal?.addEventListener('abort', abort);
  try {
    onStep('set-up', place === 'here' ? 'export, guest' : 'two guests');
    const fio = needsFio(options.tests);
    const disk = join(theatre.folder, 'disk');
    await writeFile(disk, '');
    await truncate(disk, DISK);
    const [stage, audience] = await Promise.all([
      place === 'here'
        ? theatre.here(options.inPlace ?? false)
        : targetGuest(theatre, { kernel, disks: [disk], offline: options.offline }),
      theatre.guest('client', { kernel, fio, offline: options.offline }),
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
    const client = new AoeClient(record.watch(audience.guest.host), ADDRESS);
    await client.carrier('eth0');
    await audience.guest.loadModule('aoe', [`aoe_deadsecs=${DEAD_SECONDS}`, 'aoe_iflist=eth0']);
    const setUpSeconds = since(begun);
    const target = { ...stage, id: exported.id, sectors: exported.size / SECTOR };
    const { port } = stage;
    const wire = {
      cut: () => port.cut(),
      restore: () => port.restore(),
      frames: () => port.counts.in.delivered,
    };
    const outcome = await runTests({ client, target, wire }, options.tests, record);
    // What failed because the run was called off says nothing of the target.
    signal?.throwIfAborted();
    const all = await troubleOf([audience.guest, ...('guest' in stage ? [stage.guest as Guest] : [])]);
    const trouble = all.filter((text) => !isKnown(text));
    return {
      implementation: provided.implementation,
      release: provided.release,
      target: { place, kernel: (await stage.host.facts()).kernel },
      client: { kernel: audience.guest.record.release ?? kernel },
      mtu,
      ...outcome,
      passed: outcome.passed && trouble.length === 0,
      seconds: since(begun),
      setUpSeconds,
      findings: [...outcome.findings, ...trouble, ...(all.some(isKnown) ? [KNOWN_FINDING] : [])],
    };
  } finally {
    signal?.removeEventListener('abort', abort);
    await theatre.close();
  }
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
  scene: Omit<Scene, 'finding'>,
  names: readonly TestName[],
  record: Record,
): Promise<Pick<AcceptanceReport, 'passed' | 'tests' | 'findings'>> {
  const findings: string[] = [];
  const whole: Scene = { ...scene, finding: (text) => findings.push(text) };
  const { client, target } = scene;
  let passed = true;
  for (const name of names) {
    const ok = await record.test(name, async (step) => {
      if (name === 'basic') return basic(client, target.sectors, step);
      await step('the client has the device', async () => {
        const device = await client.discovered(60_000);
        return `${device.path}, ${device.sectors} sectors`;
      });
      if (name === 'load') return load(client, step);
      if (name === 'failure') return failure(whole, step);
      return restart(whole, step);
    });
    if (!ok) await leave(client);
    passed &&= ok;
  }
  return { passed, tests: record.tests, findings };
}
