import type { ConformCase, Need } from './case.js';
import { CaseLimit } from './case-limit.js';
import type { Dut } from './dut.js';
import { type Facts, learnFacts } from './facts.js';
import { CaseFault, SkipCase } from './fault.js';
import { Probe } from './probe.js';
import { type Quirk, quirkOf } from './quirks.js';
import { recordFrames } from './record.js';
import { restoreState } from './restore.js';
import type { CaseResult, ConformReport, Outcome } from './results.js';
import { WireLog } from './wire-log.js';

export interface RunOptions {
  quirks: readonly Quirk[];
  /** Told each result as it comes. */
  onResult?: (result: CaseResult, done: number, total: number) => void;
  /** Ends the run, within a case too. */
  signal?: AbortSignal;
}

/**
 * Runs cases one after the other against a target. One that ends or hangs the target fails as that; the target is
 * brought back and the next case runs.
 * @throws LabError if the target answers nothing at the start, or can't be brought back · the signal's reason
 */
export async function runCases(
  dut: Dut,
  cases: readonly ConformCase[],
  { quirks, onResult, signal }: RunOptions,
): Promise<ConformReport> {
  const began = performance.now();
  const log = new WireLog(dut.link);
  await dut.resetBacking();
  const facts = await learnFacts(dut, log);
  const results: CaseResult[] = [];
  for (const [index, one] of cases.entries()) {
    signal?.throwIfAborted();
    const result = await runCase(dut, log, facts, one, signal);
    const quirk = failed(result.outcome) ? quirkOf(quirks, one.name) : undefined;
    if (quirk !== undefined) result.quirk = quirk.id;
    results.push(result);
    onResult?.(result, index + 1, cases.length);
  }
  return summarise(dut, results, quirks, performance.now() - began);
}

async function runCase(
  dut: Dut,
  log: WireLog,
  facts: Facts,
  one: ConformCase,
  signal?: AbortSignal,
): Promise<CaseResult> {
  log.begin();
  const began = performance.now();
  const limit = new CaseLimit(dut.patience, signal);
  const probe = new Probe(dut, log, facts, limit);
  const lacking = one.needs === undefined ? undefined : lack(dut, facts, one.needs);
  let outcome: Outcome = 'passed';
  let seen = '';
  if (lacking !== undefined) [outcome, seen] = ['skipped', lacking];
  else {
    try {
      await limit.bound(() => one.run(probe));
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof SkipCase) outcome = 'skipped';
      else outcome = 'failed';
      seen = error instanceof Error ? error.message : String(error);
      if (!(error instanceof CaseFault || error instanceof SkipCase))
        seen = `the case itself failed: ${seen}`;
    }
  }
  const frames = [...log.frames];
  if (lacking === undefined) {
    await probe.undoAll();
    const death = await findDeath(dut, probe);
    if (death !== undefined) {
      outcome = death;
      const how = death === 'crash' ? await dut.howItEnded() : 'it answers nothing any more';
      seen = seen === '' ? how : `${how}; ${seen}`;
    }
    await bringBack(dut, probe, death);
  }
  const { name, rule, section, severity } = one;
  const duration = performance.now() - began;
  return { name, rule, section, severity, outcome, seen, duration, ...recordFrames(frames) };
}

function lack(dut: Dut, facts: Facts, need: Need): string | undefined {
  switch (need) {
    case 'masks':
      return facts.masks ? undefined : 'the target has no MAC mask list (masks.Read.Answered tells)';
    case 'reservations':
      return facts.reservations ? undefined : 'the target has no reservations (reserve.Read.Answered tells)';
    case 'readOnly':
      return dut.readOnly ? undefined : 'the target has no read-only exports';
    case 'big':
      return dut.big ? undefined : 'no file beyond 128 GiB can be made here';
    case 'jumbo':
      return dut.link.mtu >= 4000 ? undefined : `the wire's MTU is ${dut.link.mtu}`;
    default:
      return undefined;
  }
}

async function findDeath(dut: Dut, probe: Probe): Promise<'crash' | 'hang' | undefined> {
  if (!(await dut.alive())) return 'crash';
  if (await probe.pulse()) return undefined;
  return (await dut.alive()) ? 'hang' : 'crash';
}

async function bringBack(dut: Dut, probe: Probe, death: 'crash' | 'hang' | undefined): Promise<void> {
  if (death !== undefined) await dut.revive();
  if (await restoreState(probe)) return;
  await dut.renew();
  await restoreState(probe);
}

function failed(outcome: Outcome): boolean {
  return outcome !== 'passed' && outcome !== 'skipped';
}

async function summarise(
  dut: Dut,
  cases: CaseResult[],
  quirks: readonly Quirk[],
  duration: number,
): Promise<ConformReport> {
  const count = (test: (result: CaseResult) => boolean) => cases.filter(test).length;
  const skipped = count(({ outcome }) => outcome === 'skipped');
  const ran = cases.filter(({ outcome }) => outcome !== 'skipped');
  const outdated = quirks
    .filter((quirk) => {
      const named = ran.filter(({ name }) => quirkOf([quirk], name) !== undefined);
      return named.length > 0 && named.every(({ outcome }) => outcome === 'passed');
    })
    .map(({ id }) => id);
  return {
    implementation: dut.implementation,
    release: dut.release,
    target: dut.target,
    total: cases.length,
    ran: ran.length,
    passed: count(({ outcome }) => outcome === 'passed'),
    failed: count(({ outcome }) => failed(outcome)),
    skipped,
    known: count(({ quirk }) => quirk !== undefined),
    unexplained: count(({ outcome, quirk }) => failed(outcome) && quirk === undefined),
    outdated,
    trouble: await dut.trouble(),
    duration,
    cases,
  };
}
