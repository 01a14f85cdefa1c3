import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { here } from '../../../src/hosts/host/local.js';
import { ended } from './cli.js';

/** Namespaces and temporary folders named after a command that has run here, and ended; those of others are theirs. */
export async function leftovers(): Promise<string[]> {
  const ours = new Set(ended.map(String));
  const names = [...(await here.list('/run/netns')), ...(await readdir(tmpdir()))];
  return names.filter((name) => ours.has(/^aoe-lab-[a-z]+\d*-(\d+)-/.exec(name)?.[1] ?? ''));
}
