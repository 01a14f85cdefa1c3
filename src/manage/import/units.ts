/** systemd units of a host that start a target, with their drop-ins (systemd.unit(5): Unit File Load Path). */
import { posix } from 'node:path';
import type { Host } from '../../hosts/host/host.js';
import { type Found, joined, nothingFound } from './found.js';
import { isOwnUnit } from './own.js';
import { namesIn, readText } from './read.js';
import { parseUnit, type UnitText } from './unit.js';

/** The stronger first. */
export const UNIT_FOLDERS = [
  '/etc/systemd/system',
  '/run/systemd/system',
  '/usr/local/lib/systemd/system',
  '/usr/lib/systemd/system',
  '/lib/systemd/system',
];
const MENTION = '(^|[/ "\'])(vbladed?|vblade-persist|kvadd)([ "\']|$)|/proc/aoeserver|/sys/k?vblade/';

export async function readUnits(host: Host): Promise<Found> {
  const found = nothingFound();
  const folders = await Promise.all(
    UNIT_FOLDERS.map(async (folder) => ({ folder, names: await namesIn(host, folder, found.remarks) })),
  );
  const inside = async (ending: RegExp): Promise<{ folder: string; name: string; names: string[] }[]> =>
    Promise.all(
      folders.flatMap(({ folder, names }) =>
        names
          .filter((name) => ending.test(name))
          .map(async (name) => ({
            folder,
            name,
            names: await namesIn(host, posix.join(folder, name), found.remarks),
          })),
      ),
    );
  const units = folders.flatMap(({ folder, names }) =>
    names
      .filter((name) => name.endsWith('.service') && !isOwnUnit(name))
      .map((name) => posix.join(folder, name)),
  );
  const dropIns = (await inside(/\.service\.d$/)).flatMap(({ folder, name, names }) =>
    names.filter((one) => one.endsWith('.conf')).map((one) => posix.join(folder, name, one)),
  );
  const mentioning = await thatMention(host, [...units, ...dropIns]);
  const wanted = new Set((await inside(/\.(wants|requires)$/)).flatMap(({ names }) => names));
  const names = new Set(
    [...mentioning].map((file) =>
      posix.basename(file.endsWith('.conf') ? posix.dirname(file).replace(/\.d$/, '') : file),
    ),
  );
  const all = await Promise.all(
    [...names].map(async (name): Promise<Found> => {
      const own = units.find((file) => posix.basename(file) === name);
      const more = dropIns.filter((file) => posix.basename(posix.dirname(file)) === `${name}.d`);
      const one = nothingFound();
      const parts: UnitText[] = [];
      for (const file of [...(own === undefined ? [] : [own]), ...byName(more)]) {
        const text = await readText(host, file, one.remarks);
        if (text === undefined)
          return { ...one, remarks: [...one.remarks, { file, text: `${name} is not taken over` }] };
        parts.push({ file, text });
      }
      return joined([one, parseUnit(parts, wanted.has(name))]);
    }),
  );
  return joined([found, ...all]);
}

/** Of two drop-ins of one name the stronger holds. */
function byName(files: readonly string[]): string[] {
  const first = new Map<string, string>();
  for (const file of files) if (!first.has(posix.basename(file))) first.set(posix.basename(file), file);
  return [...first].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, file]) => file);
}

async function thatMention(host: Host, files: readonly string[]): Promise<Set<string>> {
  if (files.length === 0) return new Set();
  // 1: none; 2: some can't be read, such as a link to nothing.
  const { stdout } = await host.run(['grep', '-lsE', MENTION, ...files], { accept: [1, 2] });
  return new Set(stdout.split('\n').filter((line) => line !== ''));
}
