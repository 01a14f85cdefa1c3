/** Loop devices move: an export of one is taken over as that of the file behind it. */
import { LabError } from '../../base/errors.js';
import type { Host } from '../../hosts/host/host.js';
import { type LoopDevice, listLoops } from '../../serve/storage/loop.js';
import { Doubt, type Found, type FoundExport } from './found.js';

const LOOP = /^\/dev\/loop\d+(p\d+)?$/;

/** Exports of loop devices become those of their files, with `loop`; those of which the file can't be told are left out. */
export async function resolveLoops(host: Host, found: Found): Promise<Found> {
  if (!found.exports.some(({ path }) => LOOP.test(path))) return found;
  const attached = await listAttached(host);
  const result: Found = { ...found, exports: [], leftOut: [...found.leftOut] };
  for (const one of found.exports) {
    try {
      result.exports.push(LOOP.test(one.path) ? behind(one, attached) : one);
    } catch (error) {
      if (!(error instanceof Doubt)) throw error;
      result.leftOut.push({ ...one, reason: error.message });
    }
  }
  return result;
}

function behind(one: FoundExport, attached: ReadonlyMap<string, LoopDevice> | string): FoundExport {
  const { path, place } = one;
  const fail = (why: string): never => {
    throw new Doubt(place, `${path} ${why}, and is another file after the next boot`);
  };
  if (typeof attached === 'string') return fail(`can't be looked up (${attached})`);
  const loop = attached.get(path);
  if (loop === undefined)
    return fail(/\dp\d+$/.test(path) ? 'is a partition of a loop device' : 'is not attached to a file');
  if (!loop.file.startsWith('/') || / \(deleted\)$/.test(loop.file))
    return fail(`is attached to ${loop.file}`);
  if (loop.isPart) return fail(`shows a part of ${loop.file}`);
  const options = loop.readOnly ? { ...one.options, readOnly: true } : one.options;
  return { ...one, path: loop.file, loop: true, options };
}

/** @returns why they can't be listed, where they can't */
async function listAttached(host: Host): Promise<Map<string, LoopDevice> | string> {
  try {
    return new Map((await listLoops(host)).map((one) => [one.device, one]));
  } catch (error) {
    if (error instanceof LabError) return error.facts.happened;
    throw error;
  }
}
