/**
 * The native target as a process: `node dist/src/native/main.js -c FILE [--metrics PORT|SOCKET]`. HUP takes the configuration again, TERM and INT
 * end it once everything is answered. What it has to say goes to standard error.
 */
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { LabError } from '../errors.js';
import { Daemon } from './daemon.js';
import { Engine } from './fast/engine.js';
import { FastGateway } from './fast/fast-gateway.js';
import { readSettings } from './settings.js';

function log(line: string): void {
  process.stderr.write(`${line}\n`);
}

function describe(error: unknown): string {
  return error instanceof LabError ? error.message : ((error as Error).stack ?? String(error));
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { config: { type: 'string', short: 'c' }, metrics: { type: 'string' } },
  });
  if (values.config === undefined) {
    log('usage: main.js -c FILE [--metrics PORT|SOCKET]');
    process.exitCode = 2;
    return;
  }
  const file = resolve(values.config);
  const settings = await readSettings(file);
  const engine = await Engine.create(settings);
  const daemon = new Daemon(dirname(file), (iface) => FastGateway.open(engine, iface, settings), log);
  // Before anything can be heard of it: a signal without a handler would end it.
  process.on('SIGHUP', () => {
    void readSettings(file)
      .then((settings) => daemon.configure(settings))
      .catch((error) => log(`the configuration stays as it was: ${describe(error)}`));
  });
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      void daemon.stop().then(
        () => process.exit(0),
        (error) => {
          log(describe(error));
          process.exit(1);
        },
      );
    });
  }
  await daemon.configure(settings);
  if (values.metrics !== undefined) {
    const { serveMetrics } = await import('./metrics.js');
    await serveMetrics(values.metrics, () => daemon.status());
  }
}

await main().catch((error) => {
  log(describe(error));
  process.exit(error instanceof LabError ? error.exitCode : 1);
});
