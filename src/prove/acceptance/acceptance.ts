/** The handbook's acceptance: a target, and the Linux client in a guest, on one hub. */

import type { Host } from '../../hosts/host/host.js';
import { loadRecipe } from '../../make/recipe/load.js';
import { provide } from '../../serve/exports/provide.js';
import { type Address, SECTOR } from '../../wire/aoe/index.js';
import { placeOf, type Ran, refuseModule } from '../testbed/place.js';
import { FREE_SHELF, requireFree, type Segment, surveySegment } from '../testbed/remote-dut.js';
import { Testbed } from '../testbed/testbed.js';
import { AoeClient } from './client.js';
import { type ClientMachine, clientInGuest, clientOnHost } from './client-machine.js';
import type { TestContext, Tests } from './context.js';
import { requireHostClient } from './host-client.js';
import { findingsOf, isKnown } from './known.js';
import { linuxTests } from './linux-tests.js';
import type { AcceptanceOptions } from './options.js';
import { ownTests } from './own-tests.js';
import type { Placement } from './placement.js';
import { Record, since, type TestName, type TestResult } from './record.js';
import { targetHere, targetOnHost } from './target-machine.js';

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
/** Of aoe-lab's own initiator. */
const OWN_MAC = 0x02_00_00_0a_0e_10;

/**
 * Provides a target, exports it, boots a client beside it, and runs tests; takes everything away afterwards.
 * @throws LabError if it does not come that far: what the target does wrong is in the report
 */
export async function accept(host: Host, options: AcceptanceOptions): Promise<AcceptanceReport> {
  const begun = performance.now();
  const { onStep, signal, tests, placement } = options;
  // Before anything is built or exported.
  await requirePossible(options);
  onStep('set-up', 'source and build');
  const provided = await provide(
    options.implementation,
    placement.far === 'target' ? { ...options, kernel: undefined, runsOn: placement.on.host } : options,
  );
  const place = placement.far === 'target' ? 'host' : placeOf(provided, placement.target);
  const where = await surveyed(placement, options.mtu);
  const mtu = where.far === undefined ? options.mtu : where.on.mtu;
  const address = where.far === undefined ? ADDRESS : FREE_ADDRESS;
  const testbed = await Testbed.open(host, { purpose: 'verify', mtu, signal });
  try {
    onStep('set-up', 'machines and export');
    if (where.far === 'client') await requireFree(where.on, [address]);
    const [context, client] = await bothOrNeither([
      where.far === 'target'
        ? targetOnHost(testbed, provided, where.on, address)
        : targetHere(testbed, provided, options, {
            place: placeOf(provided, where.target),
            inPlace: where.inPlace,
            address,
          }),
      clientMachine(testbed, options, where),
    ]);
    const { exported, port } = context;
    const record = new Record(onStep);
    const findings: string[] = [];
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
    const all =
      client === undefined
        ? ownTests({ ...common, link: testbed.plug(OWN_MAC, 'client'), address })
        : linuxTests({ ...common, client: await linuxClient(client, address, record) });
    const setUpSeconds = since(begun);
    const outcome = await runTests(all, tests, record);
    // What failed because the run was called off says nothing of the target.
    signal?.throwIfAborted();
    const said = await troubleOf([client, context.guest].filter((one) => one !== undefined));
    const trouble = said.filter((text) => !isKnown(text));
    findings.push(...findingsOf(said));
    return {
      implementation: provided.implementation,
      release: provided.release,
      target: {
        place,
        ...(where.far === 'target' ? { host: where.on.host.name } : {}),
        kernel: (await context.host.facts()).kernel,
      },
      client:
        client === undefined
          ? { driver: 'aoe-lab', kernel: (await host.facts()).kernel }
          : {
              driver: 'Linux aoe driver',
              ...(where.far === 'client' ? { host: where.on.host.name } : {}),
              kernel: client.kernel,
            },
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

async function requirePossible({ implementation, placement, tests }: AcceptanceOptions): Promise<void> {
  if (placement.far === 'target') refuseModule(await loadRecipe(implementation), placement.on.host.name);
  if (placement.far === 'client') await requireHostClient(placement.on.host, tests);
}

async function surveyed(placement: Placement, mtu: number): Promise<Placement<Segment>> {
  return placement.far === undefined
    ? placement
    : { ...placement, on: await surveySegment(placement.on, mtu) };
}

/** Undefined: it is aoe-lab's own initiator, here. */
async function clientMachine(
  testbed: Testbed,
  { kernel, clientKernel = kernel, offline, tests }: AcceptanceOptions,
  where: Placement<Segment>,
): Promise<ClientMachine | undefined> {
  if (where.far === 'client') return clientOnHost(testbed, where.on);
  return where.client === 'here'
    ? undefined
    : clientInGuest(testbed, { kernel: clientKernel, offline, tests });
}

/** One that failed is told once the other has ended: what is still under way must not be taken away. */
async function bothOrNeither<A, B>(jobs: [Promise<A>, Promise<B>]): Promise<[A, B]> {
  await Promise.allSettled(jobs);
  return Promise.all(jobs);
}

/** The Linux driver, loaded once its machine hears the wire. */
async function linuxClient(machine: ClientMachine, address: Address, record: Record): Promise<AoeClient> {
  const client = new AoeClient(record.watch(machine.host), address, machine.makeNodes);
  await client.carrier(machine.iface);
  await machine.load();
  return client;
}

/** Oopses and warnings of machines' kernels, whoever caused them. */
async function troubleOf(machines: readonly Pick<ClientMachine, 'host' | 'trouble'>[]): Promise<string[]> {
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
