import type { AcceptanceReport } from '../../prove/acceptance/acceptance.js';
import type { CommandRecord, StepResult, TestResult } from '../../prove/acceptance/record.js';
import { attributes, escapeXml } from './xml.js';

/**
 * Acceptance runs as JUnit XML: a suite for each target and test, a case for each of its steps. What a step's commands
 * printed is its output. Kernels that complained are a failed case of their own.
 */
export function acceptanceAsJunit(reports: readonly AcceptanceReport[]): string {
  const suites = reports.flatMap((report) => [
    ...report.tests.map((test) => suite(report, test)),
    ...(report.trouble.length > 0 ? [troubled(report)] : []),
  ]);
  const steps = reports.flatMap(({ tests }) => tests.flatMap((test) => test.steps));
  const troubles = reports.filter(({ trouble }) => trouble.length > 0).length;
  const head = attributes({ name: 'aoe-lab verify', ...counts(steps, troubles) });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites${head}>\n${suites.join('')}</testsuites>\n`;
}

function suite(report: AcceptanceReport, { name, steps }: TestResult): string {
  const head = attributes({ name: `${titleOf(report)} ${name}`, ...counts(steps) });
  const body = steps.map((step) => testcase(`${report.implementation}.${name}`, step)).join('');
  return `  <testsuite${head}>\n${body}  </testsuite>\n`;
}

function testcase(classname: string, { name, passed, skipped, seen, seconds, commands }: StepResult): string {
  const head = attributes({ name, classname, time: seconds.toFixed(3) });
  const outcome = skipped
    ? `<skipped${attributes({ message: seen })}/>`
    : passed
      ? ''
      : `<failure${attributes({ message: seen })}/>`;
  const story = [...(passed ? [seen] : []), ...commands.map(describeCommand)].join('\n');
  return `    <testcase${head}>${outcome}<system-out>${escapeXml(story)}</system-out></testcase>\n`;
}

function describeCommand({ host, argv, exitCode, stdout, stderr, seconds }: CommandRecord): string {
  const end = exitCode === null ? 'no end' : `exit code ${exitCode}`;
  const head = `${host}: ${argv.join(' ')} (${end}, ${seconds.toFixed(3)} s)`;
  return [head, stdout.trimEnd(), stderr.trimEnd()].filter((text) => text !== '').join('\n');
}

function troubled(report: AcceptanceReport): string {
  const head = attributes({ name: `${titleOf(report)} kernels`, ...counts([], 1) });
  const message = attributes({ message: 'a kernel complained' });
  const failure = `<failure${message}>${escapeXml(report.trouble.join('\n\n'))}</failure>`;
  const classname = attributes({ name: 'kernel logs', classname: report.implementation, time: '0.000' });
  return `  <testsuite${head}>\n    <testcase${classname}>${failure}</testcase>\n  </testsuite>\n`;
}

function titleOf({ implementation, release }: AcceptanceReport): string {
  return `${implementation} ${release}`;
}

/** @param more failures beyond those of steps */
function counts(steps: readonly StepResult[], more = 0): Record<string, string> {
  const failures = steps.filter(({ passed, skipped }) => !passed && !skipped).length;
  return {
    tests: String(steps.length + more),
    failures: String(failures + more),
    skipped: String(steps.filter(({ skipped }) => skipped).length),
    time: steps.reduce((sum, { seconds }) => sum + seconds, 0).toFixed(3),
  };
}
