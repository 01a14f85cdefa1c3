/** The conformance suite against one implementation, on a private wire that is made and removed. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Host } from '../../host/host.js';
import { makeWire, removeWire } from '../../host/namespace.js';
import { loadRecipe } from '../../recipe/load.js';
import { type ProvideOptions, provide } from '../../target/provide.js';
import { removeAbandoned } from '../abandoned.js';
import type { ConformCase } from './case.js';
import { LiveSubject } from './live-subject.js';
import { caseQuirks } from './quirks.js';
import type { ConformReport } from './results.js';
import { type RunOptions, runCases } from './runner.js';

export interface ConformOptions extends ProvideOptions {
  cases: readonly ConformCase[];
  /** Of the wire, in bytes. */
  mtu: number;
  onResult?: RunOptions['onResult'];
  /** Ends the run: what was made is removed. */
  signal?: AbortSignal;
}

const PURPOSE = 'conform';

/**
 * Provides and exports an implementation on a wire of its own, runs the cases, and takes everything away.
 * @throws LabError if it can't be provided or exported, or can't be brought back after a crash
 */
export async function conform(
  host: Host,
  implementation: string,
  options: ConformOptions,
): Promise<ConformReport> {
  const { cases, mtu, onResult, signal } = options;
  const recipe = await loadRecipe(implementation);
  const served = await provide(implementation, options);
  await removeAbandoned(host, PURPOSE);
  const undo: (() => Promise<unknown>)[] = [];
  const cleanUp = async () => {
    for (let step = undo.pop(); step !== undefined; step = undo.pop()) await step();
  };
  try {
    const wire = await makeWire(host, PURPOSE, mtu);
    undo.push(() => removeWire(host, wire));
    const folder = await mkdtemp(join(tmpdir(), 'aoe-lab-conform-'));
    undo.push(() => rm(folder, { recursive: true, force: true }));
    const subject = await LiveSubject.start(host, served, wire, folder);
    undo.push(() => subject.stop());
    const quirks = caseQuirks(recipe, served.release);
    return await runCases(subject, cases, {
      quirks,
      ...(onResult === undefined ? {} : { onResult }),
      ...(signal === undefined ? {} : { signal }),
    });
  } finally {
    await cleanUp();
  }
}
