import type { AcceptanceReport } from '../../prove/acceptance/acceptance.js';
import type { TestResult } from '../../prove/acceptance/record.js';
import { describeRan } from '../../prove/testbed/place.js';
import colors, { line } from './colors.js';
import { table } from './table.js';

/** What acceptance runs found. */
export function describeAcceptance(reports: readonly AcceptanceReport[]): string {
  const head = ['target', 'ran on', 'client', 'test', 'result', 'time'];
  const rows = reports.flatMap((report) =>
    report.tests.map((result) => [
      `${report.implementation} ${report.release}`,
      describeRan(report.target),
      `${report.client.driver}, Linux ${report.client.kernel}`,
      `${result.name}: ${result.title}`,
      outcome(result),
      `${result.seconds.toFixed(1)} s`,
    ]),
  );
  const details = reports.map(describeDetails).filter((text) => text !== '');
  return [...details, table(head, rows)].join('\n\n');
}

function describeDetails(report: AcceptanceReport): string {
  const lines = report.tests.flatMap(describeTest);
  for (const text of report.trouble) lines.push(line`${colors.red('a kernel complained')}  ${text}`);
  for (const finding of report.findings) lines.push(line`${colors.yellow('finding')}  ${finding}`);
  if (lines.length === 0) return '';
  return [colors.bold(line`${report.implementation} ${report.release}`), ...lines].join('\n');
}

function outcome({ passed, skipped, steps }: TestResult): string {
  const left = steps.filter((step) => step.skipped).length;
  if (skipped) return colors.dim('skipped');
  const some = left === 0 ? '' : colors.dim(`, ${left} of ${steps.length} steps skipped`);
  return `${passed ? colors.green('passed') : colors.red('failed')}${some}`;
}

/** The steps that did not pass. */
function describeTest({ name, steps }: TestResult): string[] {
  const skips = steps
    .filter(({ skipped }) => skipped)
    .map((step) => line`${colors.dim('skipped')}  ${name}, ${step.name}: ${step.seen}`);
  const failed = steps.find(({ passed, skipped }) => !passed && !skipped);
  if (failed === undefined) return skips;
  return [
    ...skips,
    line`${colors.red('failed')}  ${name}, ${failed.name}: ${failed.seen}`,
    ...failed.commands.map(({ argv, exitCode }) =>
      colors.dim(line`    ${argv.join(' ')} → ${exitCode ?? 'no end'}`),
    ),
  ];
}
