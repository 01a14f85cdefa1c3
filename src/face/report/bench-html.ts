import { formatSize } from '../../base/units.js';
import type { BenchReport } from '../../prove/bench/bench-report.js';
import { isSkipped, type PointResult } from '../../prove/bench/results.js';
import { benchSvg } from './bench-svg.js';
import { renderPage } from './page.js';

/** A benchmark as one page that needs nothing else: the picture, the table, and how it was measured. */
export async function benchHtml(report: BenchReport): Promise<string> {
  return renderPage('bench.html.hbs', {
    ...report,
    made: report.date.slice(0, 16).replace('T', ' '),
    size: formatSize(report.fileSize),
    first: report.contenders[0]?.name ?? '',
    picture: benchSvg(report),
    contenders: report.contenders.map((contender) => ({ bufferCount: '', ...contender })),
    overall: report.overall.map(({ contender, ratio, ofCeiling }) => ({
      contender,
      ratio: ratio?.toFixed(2) ?? '-',
      ofCeiling: ofCeiling?.toFixed(2) ?? '-',
    })),
    points: report.points.map(({ name, results }) => ({
      name,
      rows: results.map((result) =>
        isSkipped(result)
          ? { contender: result.contender, skipped: result.skipped, cells: [] }
          : { contender: result.contender, skipped: '', cells: cells(result) },
      ),
    })),
  });
}

function cells(result: PointResult): string[] {
  const { iops, throughput, latency, cpuPerRequest, ratio, ofCeiling, lost, wrong, errors } = result;
  const number = (value: number | undefined, digits: number) => value?.toFixed(digits) ?? '-';
  return [
    number(iops.median, 0),
    `${iops.min.toFixed(0)}…${iops.max.toFixed(0)}`,
    number(throughput.median / 1e6, 0),
    ...[latency?.p50, latency?.p90, latency?.p99, latency?.p999, latency?.max].map((us) => number(us, 0)),
    number(cpuPerRequest?.median, 1),
    String(lost),
    String(errors + wrong),
    number(ratio?.median, 2),
    number(ofCeiling?.median, 2),
  ];
}
