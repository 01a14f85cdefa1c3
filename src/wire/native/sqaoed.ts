/**
 * A stand-in for sqaoed, the original of which is lost: its command line as it is documented, `sqaoed IF DEV SHELF SLOT`,
 * served by the native target in the foreground. TERM and INT end it once everything is answered.
 */
import { resolve } from 'node:path';
import { linesOf, UsageError } from '../../base/errors.js';
import { log, makeDaemon, runMain } from './process.js';
import { parseSettings } from './settings.js';

const USAGE = 'usage: sqaoed IF DEV SHELF SLOT';

void runMain(async () => {
  const [iface, path = '', shelf = '', slot = '', ...more] = process.argv.slice(2);
  if (iface === undefined || slot === '' || more.length > 0) {
    throw new UsageError({
      tried: 'starting sqaoed',
      happened: [`it takes four words, and was given ${process.argv.length - 2}`, ...linesOf(USAGE)],
    });
  }
  const faults: string[] = [];
  const asked = { iface, path: resolve(path), shelf: number(shelf), slot: number(slot) };
  const settings = parseSettings({ exports: [asked] }, faults);
  if (faults.length > 0) {
    throw new UsageError({ tried: 'starting sqaoed', happened: [...faults, ...linesOf(USAGE)] });
  }
  log('sqaoed, a stand-in: the original is lost; the native target of aoe-lab serves');
  const daemon = await makeDaemon(undefined, settings);
  await daemon.configure(async () => settings);
});

/** What is no number stays as it is, for the message. */
function number(word: string): number | string {
  return /^\d+$/.test(word) ? Number(word) : word;
}
