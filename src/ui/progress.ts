import colors from 'picocolors';

const WIDTH = 30;
const INTERVAL = 100;

export interface Progress {
  /** @param done bytes, or whatever `total` counts */
  update(done: number): void;
  end(): void;
}

/** A bar on standard error, drawn at most ten times a second; silent where that is no terminal. */
export function progress(total: number, label: string): Progress {
  if (!process.stderr.isTTY) return { update() {}, end() {} };
  let drawn = 0;
  const draw = (done: number): void => {
    const part = total === 0 ? 1 : Math.min(1, done / total);
    const full = Math.round(part * WIDTH);
    const bar = colors.cyan('━'.repeat(full)) + colors.dim('━'.repeat(WIDTH - full));
    process.stderr.write(`\r${label} ${bar} ${(part * 100).toFixed(0).padStart(3)} %`);
  };
  return {
    update(done) {
      const now = Date.now();
      if (now - drawn < INTERVAL) return;
      drawn = now;
      draw(done);
    },
    end() {
      process.stderr.write('\r\u001b[K');
    },
  };
}
