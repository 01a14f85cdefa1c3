import type { CaseResult, ConformReport } from '../../prove/conform/results.js';
import { renderPage } from './page.js';

/** Runs as one page that needs nothing else: a table of cases by targets, and each failed case with its frames. */
export async function conformAsHtml(reports: readonly ConformReport[]): Promise<string> {
  return renderPage('conform.html.hbs', {
    made: new Date().toISOString().slice(0, 16).replace('T', ' '),
    reports: reports.map((report) => ({ ...report, seconds: (report.duration / 1000).toFixed(1) })),
    families: families(reports),
  });
}

function families(reports: readonly ConformReport[]): object[] {
  const names = [...new Set(reports.flatMap(({ cases }) => cases.map(({ name }) => name)))];
  const results = reports.map(({ cases }) => new Map(cases.map((result) => [result.name, result])));
  const rows = new Map<string, object[]>();
  for (const name of names) {
    const family = name.split('.', 1)[0] as string;
    const found = results.map((of) => of.get(name));
    const { rule, section, severity } = found.find((one) => one !== undefined) as CaseResult;
    const row = {
      name,
      rule,
      section,
      severity,
      cells: found.map((one) => cell(one)),
      stories: stories(reports, found),
    };
    rows.set(family, [...(rows.get(family) ?? []), row]);
  }
  return [...rows].map(([family, cases]) => ({ family, cases }));
}

function cell(result: CaseResult | undefined): { kind: string; text: string; title: string } {
  if (result === undefined) return { kind: 'none', text: '', title: 'not run' };
  const { outcome, quirk, seen } = result;
  if (outcome === 'passed') return { kind: 'passed', text: 'passed', title: '' };
  if (outcome === 'skipped') return { kind: 'skipped', text: 'skipped', title: seen };
  const kind = quirk === undefined ? 'failed' : 'known';
  return { kind, text: outcome === 'failed' && quirk !== undefined ? 'known' : outcome, title: seen };
}

/** What is told of a case beneath its row: each target that failed it, with its frames. */
function stories(reports: readonly ConformReport[], results: readonly (CaseResult | undefined)[]): object[] {
  return results.flatMap((result, index) => {
    const report = reports[index] as ConformReport;
    if (result === undefined || result.outcome === 'passed' || result.outcome === 'skipped') return [];
    return [
      {
        target: `${report.implementation} ${report.release}`,
        seen: result.seen,
        quirk: result.quirk ?? '',
        frames: result.frames.map((frame) => ({ ...frame, isSent: frame.direction === 'sent' })),
        framesLeftOut: result.framesLeftOut,
      },
    ];
  });
}
