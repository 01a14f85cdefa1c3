import colors from 'picocolors';
import type { AcceptanceReport } from '../verify/acceptance/acceptance.js';
import type { TestResult } from '../verify/acceptance/record.js';
import { table } from './table.js';

/** What acceptance runs found. */
export function describeAcceptance(reports: readonly AcceptanceReport[]): string {
  const head = ['target', 'ran on', 'client', 'test', 'result', 'time'];
  const rows = reports.flatMap((report) =>
    report.tests.map((result) => [
      `${report.implementation} ${report.release}`,
      `${report.target.place}, Linux ${report.target.kernel}`,
      `Linux ${report.client.kernel}`,
      `${result.name}: ${result.title}`,
      result.passed ? colors.green('passed') : colors.red('failed'),
      `${result.seconds.toFixed(1)} s`,
    ]),
  );
  const details = reports.map(describeDetails).filter((text) => text !== '');
  return [...details, table(head, rows)].join('\n\n');
}

function describeDetails(report: AcceptanceReport): string {
  const lines = report.tests.filter(({ passed }) => !passed).flatMap(describeFailure);
  for (const finding of report.findings) lines.push(`${colors.yellow('finding')}  ${finding}`);
  if (lines.length === 0) return '';
  return [colors.bold(`${report.implementation} ${report.release}`), ...lines].join('\n');
}

function describeFailure({ name, steps }: TestResult): string[] {
  const failed = steps.find(({ passed }) => !passed);
  if (failed === undefined) return [`${colors.red('failed')}  ${name}`];
  return [
    `${colors.red('failed')}  ${name}, ${failed.name}: ${failed.seen}`,
    ...failed.commands.map(({ argv, exitCode }) =>
      colors.dim(`    ${argv.join(' ')} → ${exitCode ?? 'no end'}`),
    ),
  ];
}
