/** The conformance suite against one implementation, on a private wire, or in a guest, that is made and removed. */
import type { Host } from '../../host/host.js';
import { loadRecipe } from '../../recipe/load.js';
import { type ProvideOptions, provide } from '../../target/provide.js';
import { type Place, placeOf } from '../place.js';
import { Theatre } from '../theatre.js';
import type { ConformCase } from './case.js';
import { type Ground, hereGround } from './ground.js';
import { GuestGround } from './guest-ground.js';
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
  const { cases, mtu, offline, onResult, signal } = options;
  const recipe = await loadRecipe(implementation);
  const served = await provide(implementation, { ...options, kernel });
  const place = placeOf(served, options.place);
  const theatre = await Theatre.open(host, { purpose: 'conform', mtu, signal });
  try {
    const files = await SubjectFiles.make(theatre.folder, served.control);
    theatre.later(() => files.close());
    const ground: Ground =
      place === 'here'
        ? await hereGround(host, await theatre.wire())
        : await GuestGround.start(theatre, { kernel, disks: files.paths, offline });
    theatre.later(() => ground.link.close());
    const subject = await LiveSubject.start(ground, served, files);
    theatre.later(() => subject.stop());
    const quirks = caseQuirks(recipe, served.release);
    return await runCases(subject, cases, {
      quirks,
      ...(onResult === undefined ? {} : { onResult }),
      ...(signal === undefined ? {} : { signal }),
    });
  } finally {
    await theatre.close();
  }
}
