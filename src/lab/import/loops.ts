/** Loop devices move: an export of one is taken over as that of the file behind it. */
import { LabError } from '../../errors.js';
import type { Host } from '../../host/host.js';
import { Doubt, type Found, type FoundExport } from './found.js';

const LOOP = /^\/dev\/loop\d+(p\d+)?$/;

interface Attached {
  file: string;
  isReadOnly: boolean;
  /** It shows a part of the file only. */
  isPart: boolean;
}

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

function behind(one: FoundExport, attached: ReadonlyMap<string, Attached> | string): FoundExport {
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
  const options = loop.isReadOnly ? { ...one.options, readOnly: true } : one.options;
  return { ...one, path: loop.file, loop: true, options };
}

/** @returns why they can't be listed, where they can't */
async function listAttached(host: Host): Promise<Map<string, Attached> | string> {
  try {
    const columns = 'NAME,BACK-FILE,RO,OFFSET,SIZELIMIT';
    const { stdout } = await host.run(['losetup', '--json', '--list', '--output', columns]);
    const { loopdevices = [] } = JSON.parse(stdout.trim() || '{}') as {
      loopdevices?: Record<string, unknown>[];
    };
    return new Map(
      loopdevices.map((one): [string, Attached] => [
        String(one.name),
        {
          file: String(one['back-file'] ?? ''),
          // Versions before 2.33 print all of them as texts.
          isReadOnly: one.ro === true || one.ro === '1' || one.ro === 1,
          isPart: Number(one.offset) !== 0 || Number(one.sizelimit) !== 0,
        },
      ]),
    );
  } catch (error) {
    if (error instanceof LabError) return error.facts.happened;
    if (error instanceof SyntaxError) return 'losetup is not that of util-linux';
    throw error;
  }
}
