import { formatSize } from '../../base/units.js';
import colors from './colors.js';
import { noteOver } from './output.js';

const WIDTH = 24;
const INTERVAL = 100;
/** Milliseconds over which the rate is taken. */
const SPAN = 3000;

export interface Progress {
  /** @param done bytes */
  update(done: number): void;
  end(): void;
}

/** A bar on standard error, drawn at most ten times a second; silent where that is no terminal. */
export function progress(total: number, label: string): Progress {
  if (!process.stderr.isTTY) return { update() {}, end() {} };
  let drawn = 0;
  const rate = new Rate();
  return {
    update(done) {
      const now = Date.now();
      if (now - drawn < INTERVAL) return;
      drawn = now;
      noteOver(`${label} ${progressLine(done, total, rate.over(done, now))}`);
    },
    end() {
      noteOver('');
    },
  };
}

/**
 * "━━━━━━ 45 %  1.2 GiB of 2.7 GiB  310 MB/s  5 s left"; of an unknown total no more than is known.
 * @param rate bytes a second; 0 if not known yet
 */
export function progressLine(done: number, total: number, rate: number): string {
  const speed = rate > 0 ? `  ${(rate / 1e6).toFixed(rate < 1e7 ? 1 : 0)} MB/s` : '';
  if (total === 0) return `${shortSize(done)}${speed}`;
  const part = Math.min(1, done / total);
  const full = Math.round(part * WIDTH);
  const bar = colors.cyan('━'.repeat(full)) + colors.dim('━'.repeat(WIDTH - full));
  const left = rate > 0 && done < total ? `  ${duration((total - done) / rate)} left` : '';
  const percent = `${Math.floor(part * 100)} %`.padStart(5);
  return `${bar} ${percent}  ${shortSize(done)} of ${shortSize(total)}${speed}${left}`;
}

/** Bytes a second over the last few seconds. */
export class Rate {
  readonly #marks: { at: number; done: number }[] = [];

  over(done: number, now: number): number {
    this.#marks.push({ at: now, done });
    while (this.#marks.length > 2 && now - (this.#marks[0]?.at ?? now) > SPAN) this.#marks.shift();
    const first = this.#marks[0];
    return first === undefined || now === first.at ? 0 : ((done - first.done) * 1000) / (now - first.at);
  }
}

function shortSize(bytes: number): string {
  return formatSize(bytes >= 1 << 20 ? bytes - (bytes % (1 << 20)) : bytes);
}

/** "5 s", "3 min 20 s", "2 h 10 min" */
function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
