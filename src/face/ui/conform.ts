import type { CaseResult, ConformReport } from '../../prove/conform/results.js';
import { describeRan } from '../../prove/testbed/place.js';
import colors, { line } from './colors.js';
import { noteOver } from './output.js';
import { table } from './table.js';

/** The list of cases as a person reads it. */
export function describeCases(
  cases: readonly { name: string; rule: string; section: string; severity: string }[],
): string {
  const rows = cases.map(({ name, severity, section, rule }) => [name, severity, section, rule]);
  return `${table(['case', 'severity', 'source', 'rule'], rows)}\n${cases.length} cases`;
}

/** What runs found, each implementation with the cases that failed. */
export function describeConform(reports: readonly ConformReport[], withFrames: boolean): string {
  const rows = reports.map((report) => [
    `${report.implementation} ${report.release}`,
    describeRan(report.target),
    String(report.total),
    String(report.ran),
    String(report.passed),
    String(report.failed),
    String(report.known),
    report.unexplained > 0 ? colors.red(String(report.unexplained)) : '0',
    String(report.skipped),
    `${(report.duration / 1000).toFixed(1)} s`,
  ]);
  const counts = ['planned', 'ran', 'passed', 'failed', 'known', 'unexplained', 'skipped'];
  const head = ['target', 'ran on', ...counts, 'time'];
  const parts = [...reports.map((report) => describeFailures(report, withFrames)), table(head, rows)];
  return parts.filter((part) => part !== '').join('\n\n');
}

function describeFailures(report: ConformReport, withFrames: boolean): string {
  const failed = report.cases.filter(({ outcome }) => outcome !== 'passed' && outcome !== 'skipped');
  const lines = failed.flatMap((result) => [describeCase(result), ...(withFrames ? frames(result) : [])]);
  const skips = new Map<string, number>();
  for (const { outcome, seen } of report.cases) {
    if (outcome === 'skipped') skips.set(seen, (skips.get(seen) ?? 0) + 1);
  }
  for (const [reason, count] of skips) lines.push(line`${colors.dim('skipped')}  ${count} cases: ${reason}`);
  for (const id of report.outdated) {
    lines.push(line`${colors.yellow('outdated')} quirk ${id}: all cases that it names passed`);
  }
  for (const text of report.trouble) lines.push(line`${colors.red('its kernel complained')}  ${text}`);
  if (report.ran === 0) lines.push(colors.red('no case was run'));
  if (lines.length === 0) return '';
  return [colors.bold(line`${report.implementation} ${report.release}`), ...lines].join('\n');
}

function describeCase({ name, severity, outcome, seen, quirk }: CaseResult): string {
  const what = quirk === undefined ? colors.red(outcome) : colors.yellow(line`${outcome}, known: ${quirk}`);
  return line`${what}  ${name} (${severity}): ${seen}`;
}

function frames({ frames: listed, framesLeftOut }: CaseResult): string[] {
  const lines = listed.map(
    ({ at, direction, text, length }) =>
      line`    ${at.toFixed(1).padStart(7)} ms ${direction === 'sent' ? '->' : '<-'} ${text} (${length} bytes)`,
  );
  return framesLeftOut > 0 ? [...lines, `    and ${framesLeftOut} more`] : lines;
}

/** One line that is written over, on a terminal only. */
export function noteResult(name: string, done: number, total: number): void {
  noteOver(done === total ? '' : `${done}/${total} ${name}`.slice(0, 100));
}
