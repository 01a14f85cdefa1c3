/**
 * A benchmark as a picture: for each point a bar a contender, with a line from the least to the most of all rounds.
 * Plain SVG with its own colours for light and dark; needs no script and no font.
 */
import type { BenchReport } from '../../prove/bench/bench-report.js';
import { isSkipped, type PointResult, type SkippedResult } from '../../prove/bench/results.js';
import { escapeXml } from './xml.js';

const WIDTH = 960;
const LEFT = 190;
const RIGHT = 90;
const BAR = 14;
const GAP = 3;
const GROUP_GAP = 14;
const HEAD = 64;
const FOOT = 40;

/** For light and for dark ground, alternately warm and cold so that neighbours differ for all eyes. */
const COLOURS: readonly (readonly [string, string])[] = [
  ['#4c6ea8', '#7fa3e0'],
  ['#d1622b', '#f08d5b'],
  ['#3d8f63', '#67c394'],
  ['#9a4f96', '#cf88cb'],
  ['#a98a1a', '#d9bd4f'],
  ['#2f8d9b', '#5fc3d1'],
  ['#8c5a3c', '#c4936f'],
  ['#b0305c', '#e8709a'],
];
const GREY = ['#8a8f98', '#8a8f98'] as const;
const CEILING = 'reflector';

export function benchSvg(report: BenchReport): string {
  const names = report.contenders.map(({ name }) => name);
  const most = Math.max(
    1,
    ...report.points.flatMap(({ results }) => results.map((one) => (isSkipped(one) ? 0 : one.iops.max))),
  );
  const { step, end } = axis(most);
  const x = (iops: number) => LEFT + (iops / end) * (WIDTH - LEFT - RIGHT);
  const parts: string[] = [];
  let y = HEAD;
  for (const point of report.points) {
    const height = point.results.length * (BAR + GAP);
    parts.push(text(LEFT - 10, y + height / 2 + 2, point.name, 'b-label', 'end'));
    for (const result of point.results) {
      parts.push(bar(result, names.indexOf(result.contender), x, y));
      y += BAR + GAP;
    }
    y += GROUP_GAP;
  }
  const bottom = y - GROUP_GAP;
  const grid: string[] = [];
  for (let value = 0; value <= end; value += step) {
    grid.push(
      `<line class="b-grid" x1="${fixed(x(value))}" y1="${HEAD - 6}" x2="${fixed(x(value))}" y2="${bottom}"/>`,
    );
    grid.push(text(x(value), bottom + 16, kilo(value), 'b-tick', 'middle'));
  }
  grid.push(text(x(end / 2), bottom + 33, 'thousand requests a second', 'b-tick', 'middle'));
  const title = `AoE benchmark: ${names.join(', ')}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="bench" viewBox="0 0 ${WIDTH} ${bottom + FOOT}" role="img" aria-label="${escapeXml(title)}">`,
    `<title>${escapeXml(title)}</title>`,
    `<style>${style(names)}</style>`,
    `<rect class="b-ground" width="${WIDTH}" height="${bottom + FOOT}"/>`,
    legend(names),
    ...grid,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function bar(
  result: PointResult | SkippedResult,
  index: number,
  x: (iops: number) => number,
  y: number,
): string {
  if (isSkipped(result)) {
    const label = `${result.contender}: ${result.skipped}`;
    return text(
      LEFT + 4,
      y + BAR - 3,
      label.length > 100 ? `${label.slice(0, 99)}…` : label,
      'b-tick',
      'start',
    );
  }
  const { median, min, max } = result.iops;
  const middle = y + BAR / 2;
  const told = `${result.contender}: ${kilo(median)} (${kilo(min)}…${kilo(max)})`;
  const ratio = result.ratio === undefined ? '' : ` · ${result.ratio.median.toFixed(2)}`;
  return [
    `<g><title>${escapeXml(told)}</title>`,
    `<rect class="b-c${index}" x="${LEFT}" y="${fixed(y)}" width="${fixed(x(median) - LEFT)}" height="${BAR}"/>`,
    `<path class="b-spread" d="M${fixed(x(min))} ${fixed(middle)}H${fixed(x(max))}M${fixed(x(min))} ${fixed(middle - 3)}v6M${fixed(x(max))} ${fixed(middle - 3)}v6"/>`,
    text(x(max) + 5, middle + 4, `${kilo(median)}${ratio}`, 'b-value', 'start'),
    '</g>',
  ].join('');
}

function legend(names: readonly string[]): string {
  let x = LEFT;
  const parts = names.map((name, index) => {
    const part = `<rect class="b-c${index}" x="${x}" y="18" width="12" height="12"/>${text(x + 17, 28, name, 'b-label', 'start')}`;
    x += 17 + name.length * 7.5 + 18;
    return part;
  });
  const explained = text(
    LEFT,
    46,
    'bars: medians · lines: least to most of all rounds · number behind: ratio to the first',
    'b-tick',
    'start',
  );
  return [...parts, explained].join('\n');
}

function style(names: readonly string[]): string {
  const colour = (index: number, ground: 0 | 1) =>
    names[index] === CEILING ? GREY[ground] : (COLOURS[index % COLOURS.length] ?? GREY)[ground];
  const fills = (ground: 0 | 1) =>
    names.map((_, index) => `.b-c${index}{fill:${colour(index, ground)}}`).join('');
  return [
    '.bench{font:12px system-ui,sans-serif}',
    '.b-ground{fill:#fff}.b-label,.b-value{fill:#1f2328}.b-tick{fill:#59636e;font-size:11px}.b-value{font-size:11px}',
    '.b-grid{stroke:#d1d9e0}.b-spread{stroke:#1f2328;stroke-opacity:.75;fill:none}',
    fills(0),
    '@media (prefers-color-scheme:dark){',
    '.b-ground{fill:#0d1117}.b-label,.b-value{fill:#e6edf3}.b-tick{fill:#9198a1}',
    '.b-grid{stroke:#30363d}.b-spread{stroke:#e6edf3}',
    fills(1),
    '}',
  ].join('');
}

/** Distance of the lines and where the axis ends, in steps of 1, 2 or 5 times a power of ten. */
function axis(most: number): { step: number; end: number } {
  const raw = most / 6;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 5].find((factor) => factor * power >= raw) ?? 10) * power;
  return { step, end: Math.ceil(most / step) * step };
}

function text(x: number, y: number, content: string, kind: string, anchor: string): string {
  return `<text class="${kind}" x="${fixed(x)}" y="${fixed(y)}" text-anchor="${anchor}">${escapeXml(content)}</text>`;
}

function kilo(value: number): string {
  const thousands = value / 1000;
  return thousands >= 10 || Number.isInteger(thousands) ? thousands.toFixed(0) : thousands.toFixed(1);
}

function fixed(value: number): string {
  return Number(value.toFixed(1)).toString();
}
