/**
 * The native target as a process: `node dist/bin/native.cjs -c FILE [--metrics PORT|SOCKET]`. HUP takes the configuration again, USR2 has it write how it stands, TERM and INT
 * end it once everything is answered. What it has to say goes to standard error.
 */
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { describe, log, logging, makeDaemon, runMain } from './process.js';
import { readSettings } from './settings.js';

void runMain(async () => {
  const words = wordsOf(process.argv.slice(2));
  if (words === undefined) {
    process.exitCode = 2;
    return;
  }
  const { config, metrics: asked } = words;
  logging.isTimed = true;
  const file = resolve(config);
  const read = () => readSettings(file);
  const daemon = await makeDaemon(dirname(file), await read());
  // Whoever is to send it looks whether there is a handler: without one it would end the process.
  process.on('SIGHUP', () => {
    daemon.configure(read).catch((error) => log(`the configuration stays as it was: ${describe(error)}`));
  });
  process.on('SIGUSR2', () => {
    daemon.tellNow().catch((error) => log(describe(error)));
  });
  await daemon.configure(read);
  if (asked !== undefined) {
    const { serveMetrics } = await import('./metrics.js');
    const metrics = await serveMetrics(asked, () => daemon.status());
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => metrics.close());
  }
});

/** Undefined, once it is said why they can't be taken. */
function wordsOf(args: string[]): { config: string; metrics?: string | undefined } | undefined {
  try {
    const options = { config: { type: 'string', short: 'c' }, metrics: { type: 'string' } } as const;
    const { config, metrics } = parseArgs({ args, options }).values;
    if (config !== undefined) return { config, metrics };
  } catch (error) {
    log((error as Error).message);
  }
  log('usage: native.cjs -c FILE [--metrics PORT|SOCKET]');
  return undefined;
}
