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
import { type Ground, hereGround, hostGround } from './ground.js';
import { GuestGround } from './guest-ground.js';
import { HostBacking } from './host-backing.js';
import { LiveSubject } from './live-subject.js';
import { caseQuirks } from './quirks.js';
import type { ConformReport } from './results.js';
import { type RunOptions, runCases } from './runner.js';
import { SubjectFiles } from './subject-files.js';

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
    const { ground, files } =
      segment === undefined
        ? await laidHere(host, testbed, served, { ...options, kernel })
        : await laidOn(testbed, served, segment, options.companions ?? new Set());
    testbed.later(() => ground.link.close());
    const subject = await LiveSubject.start(ground, served, files);
    testbed.later(() => subject.stop());
    const quirks = caseQuirks(recipe, served.release);
    return await runCases(subject, cases, {
      quirks,
      ...(onResult === undefined ? {} : { onResult }),
      ...(signal === undefined ? {} : { signal }),
    });
  } finally {
    await testbed.close();
  }
}

interface Laid {
  ground: Ground;
  files: SubjectFiles;
}

/** On this machine, or in a guest. */
async function laidHere(
  host: Host,
  testbed: Testbed,
  served: Served,
  { kernel, offline, place }: ConformOptions & { kernel: string },
): Promise<Laid> {
  const files = await SubjectFiles.make(testbed.folder, served.control);
  testbed.later(() => files.close());
  const ground: Ground =
    placeOf(served, place) === 'here'
      ? await hereGround(host, await testbed.wire())
      : await GuestGround.start(testbed, { kernel, disks: files.paths, offline });
  return { ground, files };
}

async function laidOn(
  testbed: Testbed,
  { control }: Served,
  segment: Segment,
  companions: Set<Mac>,
): Promise<Laid> {
  const dut = await RemoteDut.open(testbed, segment, 'conform');
  await dut.requireAlone(companions);
  companions.add(segment.mac);
  const files = await SubjectFiles.make(dut.folder, control, (path, sectors, filled) =>
    HostBacking.make(dut.host, path, sectors, filled),
  );
  return { ground: await hostGround(dut), files };
}
