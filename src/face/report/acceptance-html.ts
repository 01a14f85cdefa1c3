import type { AcceptanceReport } from '../../prove/acceptance/acceptance.js';
import type { CommandRecord, StepResult, TestResult } from '../../prove/acceptance/record.js';
import { renderPage } from './page.js';

/** Acceptance runs as one page that needs nothing else: the tests of each target, their steps, and what these ran. */
export async function acceptanceAsHtml(reports: readonly AcceptanceReport[]): Promise<string> {
  return renderPage('verify.html.hbs', {
    made: new Date().toISOString().slice(0, 16).replace('T', ' '),
    reports: reports.map((report) => ({
      ...report,
      kind: report.passed ? 'passed' : 'failed',
      seconds: report.seconds.toFixed(1),
      setUpSeconds: report.setUpSeconds.toFixed(1),
      tests: report.tests.map(test),
    })),
  });
}

function test(result: TestResult): object {
  return {
    ...result,
    kind: kindOf(result),
    seconds: result.seconds.toFixed(1),
    steps: result.steps.map(step),
  };
}

function step(result: StepResult): object {
  return {
    ...result,
    kind: kindOf(result),
    seconds: result.seconds.toFixed(1),
    commands: result.commands.map(command),
  };
}

function command({ host, argv, exitCode, stdout, stderr, seconds }: CommandRecord): object {
  return {
    host,
    line: argv.join(' '),
    end: exitCode === null ? 'no end' : `exit code ${exitCode}`,
    seconds: seconds.toFixed(2),
    output: [stdout.trimEnd(), stderr.trimEnd()].filter((text) => text !== '').join('\n'),
  };
}

function kindOf({ passed, skipped }: Pick<StepResult, 'passed' | 'skipped'>): string {
  if (skipped) return 'skipped';
  return passed ? 'passed' : 'failed';
}
