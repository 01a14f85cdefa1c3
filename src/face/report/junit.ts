import type { CaseResult, ConformReport } from '../../prove/conform/results.js';
import { attributes, escapeXml } from './xml.js';

/**
 * Runs as JUnit XML, a suite for each implementation and family. A failure that a quirk explains is told as skipped,
 * so that a later run shows only what is new.
 */
export function conformAsJunit(reports: readonly ConformReport[]): string {
  const suites = reports.flatMap((report) =>
    [...byFamily(report.cases)].map(([family, cases]) => suite(report, family, cases)),
  );
  const all = reports.flatMap(({ cases }) => cases);
  const head = attributes({ name: 'aoe-lab conform', ...counts(all) });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites${head}>\n${suites.join('')}</testsuites>\n`;
}

function suite(
  { implementation, release }: ConformReport,
  family: string,
  cases: readonly CaseResult[],
): string {
  const name = `${implementation} ${release} ${family}`;
  const body = cases.map((result) => testcase(`${implementation}.${family}`, result)).join('');
  return `  <testsuite${attributes({ name, ...counts(cases) })}>\n${body}  </testsuite>\n`;
}

function testcase(classname: string, result: CaseResult): string {
  const { name, duration, outcome, seen, rule, section, severity, quirk, frames } = result;
  const head = attributes({ name, classname, time: (duration / 1000).toFixed(3) });
  if (outcome === 'passed') return `    <testcase${head}/>\n`;
  if (outcome === 'skipped')
    return `    <testcase${head}><skipped${attributes({ message: seen })}/></testcase>\n`;
  if (quirk !== undefined) {
    const message = `known (${quirk}): ${seen}`;
    return `    <testcase${head}><skipped${attributes({ message })}/></testcase>\n`;
  }
  const type = `${severity} ${outcome}`;
  const story = [
    `${rule} (${section})`,
    ...frames.map(({ at, direction, text }) => `${at} ms ${direction}: ${text}`),
  ].join('\n');
  return `    <testcase${head}><failure${attributes({ message: seen, type })}>${escapeXml(story)}</failure></testcase>\n`;
}

function counts(cases: readonly CaseResult[]): Record<string, string> {
  const isNew = ({ outcome, quirk }: CaseResult) =>
    outcome !== 'passed' && outcome !== 'skipped' && quirk === undefined;
  const skipped = cases.filter(({ outcome, quirk }) => outcome === 'skipped' || quirk !== undefined);
  const time = cases.reduce((sum, { duration }) => sum + duration, 0) / 1000;
  return {
    tests: String(cases.length),
    failures: String(cases.filter(isNew).length),
    skipped: String(skipped.length),
    time: time.toFixed(3),
  };
}

function byFamily(cases: readonly CaseResult[]): Map<string, CaseResult[]> {
  const families = new Map<string, CaseResult[]>();
  for (const result of cases) {
    const family = result.name.split('.', 1)[0] as string;
    families.set(family, [...(families.get(family) ?? []), result]);
  }
  return families;
}
