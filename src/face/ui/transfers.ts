import type { TransferShown } from '../../hosts/host/host.js';
import { noteOver } from './output.js';
import { progressLine, Rate } from './progress.js';

const INTERVAL = 100;
/** Milliseconds: what is copied faster is not worth a bar. */
const PATIENCE = 300;

interface Transfer {
  what: string;
  done: number;
  /** 0: not known. */
  total: number;
}

/** All that is being copied, on one line: several hosts are copied to at once. */
const running = new Set<Transfer>();
let begun = 0;
let drawn = 0;
let rate = new Rate();

/** A copy on its way, as a bar on standard error; silent where that is no terminal. @param what such as `vblade to store` */
export function showTransfer(what: string): TransferShown {
  if (!process.stderr.isTTY) return { update() {}, end() {} };
  const transfer: Transfer = { what, done: 0, total: 0 };
  if (running.size === 0) {
    [begun, rate] = [Date.now(), new Rate()];
  }
  running.add(transfer);
  return {
    update(done, total) {
      Object.assign(transfer, { done, total });
      const now = Date.now();
      if (now - begun < PATIENCE || now - drawn < INTERVAL) return;
      noteOver(transfersLine([...running], rate, now));
      drawn = now;
    },
    end() {
      running.delete(transfer);
      if (drawn > begun && running.size === 0) noteOver('');
    },
  };
}

/** "vblade to store ━━━━ 45 % …", "3 copies, vblade to store and others …" */
export function transfersLine(all: readonly Transfer[], over: Rate, now: number): string {
  const done = all.reduce((sum, one) => sum + one.done, 0);
  const isKnown = all.every(({ total }) => total > 0);
  const total = isKnown ? all.reduce((sum, one) => sum + one.total, 0) : 0;
  const [first] = all;
  const label = all.length > 1 ? `${all.length} copies, ${first?.what} and others` : (first?.what ?? '');
  return `${label} ${progressLine(done, total, over.over(done, now))}`;
}
