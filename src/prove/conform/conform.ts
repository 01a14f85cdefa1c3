/** The conformance suite against one implementation, on a private wire, or in a guest, that is made and removed. */

import type { Host } from '../../hosts/host/host.js';
import { loadRecipe } from '../../make/recipe/load.js';
import { type ProvideOptions, provide } from '../../serve/exports/provide.js';
import type { Served } from '../../serve/exports/served.js';
import type { Mac } from '../../wire/aoe/index.js';
import { type Place, placeOf, refuseModule } from '../testbed/place.js';
import { RemoteDut, type Segment, type Site, surveySegment } from '../testbed/remote-dut.js';
import { Testbed } from '../testbed/testbed.js';
import type { ConformCase } from './case.js';
import { DutFiles } from './dut-files.js';
import { type Environment, localEnvironment, remoteEnvironment } from './environment.js';
import { GuestEnvironment } from './guest-environment.js';
import { HostBacking } from './host-backing.js';
import { LiveDut } from './live-dut.js';
import { caseQuirks } from './quirks.js';
import type { ConformReport } from './results.js';
import { type RunOptions, runCases } from './runner.js';

export interface ConformOptions extends ProvideOptions {
  cases: readonly ConformCase[];
  /** Of the wire, in bytes. */
  mtu: number;
  /** Where the target runs; a module needs a guest. */
  place?: Place | undefined;
  /** A host over SSH that it runs on instead. */
  site?: Site | undefined;
  /** Stations on the same segment that tests of this process run on; that of the site joins them. */
  companions?: Set<Mac> | undefined;
  onResult?: RunOptions['onResult'];
  /** Ends the run: what was made is removed. */
  signal?: AbortSignal;
}

/** Of guests. */
const KERNEL = '6.1';

/**
 * Provides and exports an implementation on a wire of its own, runs the cases, and takes everything away.
 * @throws LabError if it can't be provided or exported, or can't be brought back after a crash
 */
export async function conform(
  host: Host,
  implementation: string,
  { kernel = KERNEL, ...options }: ConformOptions,
): Promise<ConformReport> {
  const { cases, onResult, signal, site } = options;
  const recipe = await loadRecipe(implementation);
  if (site !== undefined) refuseModule(recipe, site.host.name);
  const served = await provide(
    implementation,
    site === undefined ? { ...options, kernel } : { ...options, runsOn: site.host },
  );
  const segment = site === undefined ? undefined : await surveySegment(site, options.mtu);
  const mtu = segment?.mtu ?? options.mtu;
  const testbed = await Testbed.open(host, { purpose: 'conform', mtu, signal });
  try {
    const { environment, files } =
      segment === undefined
        ? await preparedHere(host, testbed, served, { ...options, kernel })
        : await preparedOn(testbed, served, segment, options.companions ?? new Set());
    testbed.later(() => environment.link.close());
    const dut = await LiveDut.start(environment, served, files);
    testbed.later(() => dut.stop());
    const quirks = caseQuirks(recipe, served.release);
    return await runCases(dut, cases, {
      quirks,
      ...(onResult === undefined ? {} : { onResult }),
      ...(signal === undefined ? {} : { signal }),
    });
  } finally {
    await testbed.close();
  }
}

interface Prepared {
  environment: Environment;
  files: DutFiles;
}

/** On this machine, or in a guest. */
async function preparedHere(
  host: Host,
  testbed: Testbed,
  served: Served,
  { kernel, offline, place }: ConformOptions & { kernel: string },
): Promise<Prepared> {
  const files = await DutFiles.make(testbed.folder, served.control);
  testbed.later(() => files.close());
  const environment: Environment =
    placeOf(served, place) === 'here'
      ? await localEnvironment(host, await testbed.wire())
      : await GuestEnvironment.start(testbed, { kernel, disks: files.paths, offline });
  return { environment, files };
}

/** On a host over SSH. */
async function preparedOn(
  testbed: Testbed,
  { control }: Served,
  segment: Segment,
  companions: Set<Mac>,
): Promise<Prepared> {
  const remote = await RemoteDut.open(testbed, segment, 'conform');
  await remote.requireAlone(companions);
  companions.add(segment.mac);
  const files = await DutFiles.make(remote.folder, control, (path, sectors, filled) =>
    HostBacking.make(remote.host, path, sectors, filled),
  );
  return { environment: await remoteEnvironment(remote), files };
}
