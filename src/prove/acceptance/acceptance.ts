/** The handbook's acceptance: a target, and the Linux client in a guest, on one hub. */

import { truncate, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { Host } from '../../hosts/host/host.js';
import { loadRecipe } from '../../make/recipe/load.js';
import { type ExportReport, exportTarget } from '../../serve/exports/export.js';
import { provide } from '../../serve/exports/provide.js';
import type { Served } from '../../serve/exports/served.js';
import { unexportTargets } from '../../serve/exports/unexport.js';
import { type Address, ETHERTYPE_AOE, SECTOR } from '../../wire/aoe/index.js';
import { placeOf, type Ran, refuseModule } from '../testbed/place.js';
import {
  FREE_SHELF,
  linkTo,
  RemoteDut,
  requireFree,
  type Segment,
  type Site,
  surveySegment,
} from '../testbed/remote-dut.js';
import { targetGuest } from '../testbed/target-guest.js';
import { type Stand, Testbed } from '../testbed/testbed.js';
import type { Guest } from '../vm/index.js';
import { AoeClient } from './client.js';
import type { TestContext, Tests } from './context.js';
import { requireHostClient } from './host-client.js';
import { findingsOf, isKnown } from './known.js';
import { linuxTests } from './linux-tests.js';
import type { AcceptanceOptions } from './options.js';
import { ownTests } from './own-tests.js';
import { type Placement, placeInGuest, placeOnHost } from './placement.js';
import { Record, since, type TestName, type TestResult } from './record.js';

export interface AcceptanceReport {
  implementation: string;
  release: string;
  /** Where the target ran, and the kernel below it. */
  target: Ran;
  /** What the client was, and the kernel below it. */
  client: { driver: 'Linux aoe driver' | 'aoe-lab'; host?: string; kernel: string };
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
/** On a segment that others use. */
const FREE_ADDRESS = { shelf: FREE_SHELF, slot: 1 };
const DISK = 256 * 2 ** 20;
/** Of aoe-lab's own initiator. */
const OWN_MAC = 0x02_00_00_0a_0e_10;

/**
 * Provides a target, exports it, boots a client beside it, and runs tests; takes everything away afterwards.
 * @throws LabError if it does not come that far: what the target does wrong is in the report
 */
export async function accept(host: Host, options: AcceptanceOptions): Promise<AcceptanceReport> {
  const begun = performance.now();
  const { kernel, clientKernel = kernel, onStep, signal, site, clientSite, tests, offline } = options;
  if (site !== undefined) refuseModule(await loadRecipe(options.implementation), site.host.name);
  // Before anything is built or exported.
  if (clientSite !== undefined) await requireHostClient(clientSite.host, tests);
  onStep('set-up', 'source and build');
  const provided = await provide(
    options.implementation,
    site === undefined ? options : { ...options, kernel: undefined, runsOn: site.host },
  );
  const place = site === undefined ? placeOf(provided, options.place) : 'host';
  const where = site ?? clientSite;
  const segment = where === undefined ? undefined : await surveySegment(where, options.mtu);
  const mtu = segment?.mtu ?? options.mtu;
  const testbed = await Testbed.open(host, { purpose: 'verify', mtu, signal });
  try {
    onStep('set-up', 'machines and export');
    const address = segment === undefined ? ADDRESS : FREE_ADDRESS;
    if (clientSite !== undefined && segment !== undefined) await requireFree(segment, [address]);
    const [context, placement] = await bothOrNeither([
      site !== undefined && segment !== undefined
        ? onHost(testbed, provided, segment)
        : exportedHere(testbed, provided, options, place === 'here', address),
      options.initiator === 'here'
        ? undefined
        : clientSite !== undefined && segment !== undefined
          ? placeOnHost(testbed, segment)
          : placeInGuest(testbed, { kernel: clientKernel, offline, tests }),
    ]);
    const { exported } = context;
    const record = new Record(onStep);
    const findings: string[] = [];
    const { port } = context;
    const common: TestContext = {
      target: { ...context, id: exported.id, sectors: exported.size / SECTOR },
      wire: {
        cut: () => port.cut(),
        restore: () => port.restore(),
        frames: () => port.counts.in.delivered,
      },
      fileMib: options.fileMib ?? 100,
      finding: (text) => findings.push(text),
    };
    const acts =
      placement === undefined
        ? ownTests({ ...common, link: testbed.plug(OWN_MAC, 'client'), address })
        : linuxTests({
            ...common,
            client: await linuxClient(placement, address, record),
          });
    const setUpSeconds = since(begun);
    const outcome = await runTests(acts, tests, record);
    // What failed because the run was called off says nothing of the target.
    signal?.throwIfAborted();
    const all = await troubleOf([placement, context.guest].filter((one) => one !== undefined));
    const trouble = all.filter((text) => !isKnown(text));
    findings.push(...findingsOf(all));
    return {
      implementation: provided.implementation,
      release: provided.release,
      target: {
        place,
        ...(site === undefined ? {} : { host: site.host.name }),
        kernel: (await context.host.facts()).kernel,
      },
      client: await clientOf(host, placement, clientSite),
      mtu,
      ...outcome,
      passed: outcome.passed && trouble.length === 0,
      seconds: since(begun),
      setUpSeconds,
      findings,
      trouble,
    };
  } finally {
    await testbed.close();
  }
}

/** One that failed is told once the other has ended: what is still under way must not be taken away. */
async function bothOrNeither<A, B>(jobs: [Promise<A>, Promise<B> | B]): Promise<[A, B]> {
  await Promise.allSettled(jobs);
  return Promise.all(jobs);
}

interface Exported extends Stand {
  exported: ExportReport;
  /** That it runs in. */
  guest?: Guest;
}

/** On this machine, or in a guest. */
async function exportedHere(
  testbed: Testbed,
  served: Served,
  { kernel, offline, inPlace }: AcceptanceOptions,
  isHere: boolean,
  address: Address,
): Promise<Exported> {
  const disk = join(testbed.folder, 'disk');
  await writeFile(disk, '', { mode: 0o600 });
  await truncate(disk, DISK);
  const context = isHere
    ? await testbed.here(inPlace ?? false)
    : await targetGuest(testbed, { kernel, disks: [disk], offline });
  const exported = await exportTarget(context.host, served, {
    ...address,
    iface: context.iface,
    ...(context.netns === undefined ? {} : { netns: context.netns }),
    path: isHere ? disk : '/dev/vda',
    keepLog: false,
    // Ours alone.
    allow: true,
    options: {},
  });
  testbed.later(() => unexportTargets(context.host, [exported.id], false));
  return { ...context, exported };
}

/** On a host over SSH; what it sends reaches the hub by this machine's interface. */
async function onHost(testbed: Testbed, served: Served, segment: Segment): Promise<Exported> {
  const { host, iface } = segment;
  const dut = await RemoteDut.open(testbed, segment, 'verify');
  // What a killed test had left there is gone by now.
  await requireFree(segment, [FREE_ADDRESS]);
  const exported = await exportTarget(host, served, {
    ...FREE_ADDRESS,
    ...dut.spec,
    path: posix.join(dut.folder, 'disk'),
    size: DISK,
    keepLog: false,
    options: {},
  });
  await dut.requireHeard(FREE_ADDRESS);
  // What else the guest says, about IPv6 say, is nobody's business there.
  const port = testbed.join(await linkTo(segment, ETHERTYPE_AOE), 'target');
  return { host, iface, netns: undefined, port, exported };
}

/** The Linux driver, loaded once its machine hears the wire. */
async function linuxClient(placement: Placement, address: Address, record: Record): Promise<AoeClient> {
  const client = new AoeClient(record.watch(placement.host), address, placement.makeNodes);
  await client.carrier(placement.iface);
  await placement.load();
  return client;
}

async function clientOf(
  host: Host,
  placement: Placement | undefined,
  site: Site | undefined,
): Promise<AcceptanceReport['client']> {
  if (placement === undefined) return { driver: 'aoe-lab', kernel: (await host.facts()).kernel };
  const where = site === undefined ? {} : { host: site.host.name };
  return { driver: 'Linux aoe driver', ...where, kernel: placement.kernel };
}

/** Oopses and warnings of machines' kernels, whoever caused them. */
async function troubleOf(machines: readonly Pick<Placement, 'host' | 'trouble'>[]): Promise<string[]> {
  const all = await Promise.all(
    machines.map(async ({ host, trouble }) => (await trouble()).map((text) => `${host.name}: ${text}`)),
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
