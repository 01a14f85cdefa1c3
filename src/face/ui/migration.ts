import type { Preview } from '../../serve/exports/driver.js';
import type { Gap } from '../../serve/migrate/gap.js';
import type { MigrationReport } from '../../serve/migrate/migrate.js';
import type { MigrationPlan } from '../../serve/migrate/migration-plan.js';
import type { Smoke } from '../../serve/migrate/smoke.js';
import { line } from './colors.js';
import { describePreview } from './preview.js';

/** What a migration would do, for `--dry-run`. */
export function describePlan({ losses, notes }: MigrationPlan, preview: Preview): string {
  return [...remarks(losses, notes).map((remark) => `# ${remark}`), describePreview(preview)].join('\n');
}

/** What a migration did. */
export function describeMigration(report: MigrationReport): string {
  const { id, from, to, before, after, gap, pids, log, losses, notes } = report;
  const by = pids.length === 0 ? '' : ` (process ${pids.join(' ')})`;
  return [
    line`${id}: ${to}${by} serves it in place of ${from}`,
    ...remarks(losses, notes),
    gap === null ? 'gap: not measured, this host has no place to ask from' : describeGap(gap),
    `before: ${describeSmoke(before)}`,
    `after: ${describeSmoke(after)}`,
    line`log: ${log}`,
  ].join('\n');
}

function remarks(losses: readonly string[], notes: readonly string[]): string[] {
  return [...losses.map((loss) => line`lost: ${loss}`), ...notes.map((note) => line`note: ${note}`)];
}

function describeGap({ longest, unanswered, requests, pace, coarsest }: Gap): string {
  const how = `one every ${pace} ms, at the longest ${coarsest.toFixed(0)} ms after another`;
  return `gap: ${longest.toFixed(0)} ms (${unanswered} of ${requests} requests, ${how}, were not answered)`;
}

function describeSmoke(smoke: Smoke | null): string {
  if (smoke === null) return 'not asked over the wire';
  if (smoke.skipped !== null) return line`answered; data not read: ${smoke.skipped}`;
  const busy = smoke.busy === 0 ? '' : `, ${smoke.busy} were being written all the time`;
  return line`${smoke.model}, ${smoke.sectors} sectors; ${smoke.equal} places hold what the file holds${busy}`;
}
