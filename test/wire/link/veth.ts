import { randomBytes } from 'node:crypto';
import { here } from '../../../src/hosts/host/local.js';

/** Two network namespaces joined by a veth pair: the interface is `v0` in each. */
export interface Wire {
  left: string;
  right: string;
  /** Runs a command in one of the namespaces. */
  run(netns: string, argv: readonly string[]): Promise<string>;
  remove(): Promise<void>;
}

/** @param mtu bytes, of both ends */
export async function makeWire(mtu = 1500): Promise<Wire> {
  const id = `aoelt-${randomBytes(4).toString('hex')}`;
  const left = `${id}l`;
  const right = `${id}r`;
  const run = async (netns: string, argv: readonly string[]): Promise<string> =>
    (await here.run(['ip', 'netns', 'exec', netns, ...argv])).stdout;
  const remove = async (): Promise<void> => {
    for (const name of [left, right]) await here.run(['ip', 'netns', 'delete', name], { accept: [0, 1] });
  };
  try {
    await here.run(['ip', 'netns', 'add', left]);
    await here.run(['ip', 'netns', 'add', right]);
    const peer = ['peer', 'name', 'v0', 'mtu', `${mtu}`, 'netns', right];
    await here.run(['ip', '-n', left, 'link', 'add', 'v0', 'mtu', `${mtu}`, 'type', 'veth', ...peer]);
    for (const name of [left, right]) await here.run(['ip', '-n', name, 'link', 'set', 'v0', 'up']);
    for (const name of [left, right]) await untilUp(name);
  } catch (error) {
    await remove();
    throw error;
  }
  return { left, right, run, remove };
}

/** The kernel notices a carrier a while after it is there, and drops what is sent until then. */
async function untilUp(netns: string): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    const { stdout } = await here.run(['ip', '-n', netns, '-oneline', 'link', 'show', 'v0']);
    if (stdout.includes('state UP')) return;
  }
  throw new Error(`v0 in ${netns} did not come up`);
}

/** Why this machine can't make one; undefined if it can. */
export async function whyNoWire(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'needs root';
  try {
    await (await makeWire()).remove();
    return undefined;
  } catch (error) {
    return `network namespaces can't be made here: ${(error as Error).message.split('\n')[0]}`;
  }
}
