/**
 * Finds a host and does what it is told there, in a process of its own: `node fixture-host.js NAME [--accept-new]
 * [--no-sudo] STEP…`, where a step is a JSON list of a method's name and its arguments. Prints a line of JSON for each: its
 * result or its error.
 */
import { LabError } from '../../../src/base/errors.js';
import { closeHosts, findHost } from '../../../src/hosts/book/find.js';

const [name = '', ...rest] = process.argv.slice(2);
const acceptNew = rest.includes('--accept-new');
const sudo = rest.includes('--no-sudo') ? 'never' : undefined;
const words = rest.filter((word) => !word.startsWith('--'));
const steps = words.map((step) => JSON.parse(step) as [string, ...unknown[]]);

async function tell(work: () => unknown): Promise<boolean> {
  try {
    const result = await work();
    const value = Buffer.isBuffer(result) ? result.toString('base64') : (result ?? null);
    process.stdout.write(`${JSON.stringify({ value })}\n`);
    return true;
  } catch (error) {
    const { name: kind, message } = error as Error;
    const facts = error instanceof LabError ? { ...error.facts, cause: undefined } : {};
    process.stdout.write(`${JSON.stringify({ kind, message, facts })}\n`);
    return false;
  }
}

const isFound = await tell(async () => (await findHost(name, { acceptNew, sudo })).name);
if (isFound) {
  const host = (await findHost(name)) as unknown as Record<string, (...args: unknown[]) => unknown>;
  for (const [method, ...args] of steps) await tell(() => host[method]?.(...args));
}
await closeHosts();
