/**
 * Files that a command writes what it found to. What is there already is judged and opened before the command begins, so that
 * hours of work are not lost to a name; what is not is made when there is something to write, so that no empty one is left.
 */

import { resolve } from 'node:path';
import { UsageError } from '../../base/errors.js';
import type { Output } from '../../base/files/open-output.js';

/** By option. */
type Paths = Readonly<Record<string, string | undefined>>;
type Texts = Readonly<Record<string, () => string | Promise<string>>>;

/** Like that of any program's reports: others may read them as the umask has it. */
const MODE = 0o666;

/** @param work is handed what writes the files that were named, each with its text */
export async function withReportFiles<T>(
  paths: Paths,
  work: (write: (texts: Texts) => Promise<void>) => Promise<T>,
): Promise<T> {
  const named = Object.entries(paths).flatMap(([name, path]) => (path === undefined ? [] : [{ name, path }]));
  if (named.length === 0) return work(async () => {});
  // What is written to a device or pipe there is kept by nobody.
  requireApart(named.map(({ path }) => resolve(path)).filter((path) => !path.startsWith('/dev/')));
  const [{ openOutput, openOutputIfThere }, { judgeOverwrite }] = await Promise.all([
    import('../../base/files/open-output.js'),
    import('../../serve/exports/overwrite.js'),
  ]);
  const judge = judgeOverwrite;
  const open = new Map<string, Output>();
  const write = async (texts: Texts): Promise<void> => {
    for (const { name, path } of named) {
      const text = await texts[name]?.();
      if (text === undefined) continue;
      const output = open.get(name) ?? (await openOutput(path, { mode: MODE, judge }));
      open.set(name, output);
      await output.empty();
      await output.file.writeFile(text);
    }
  };
  try {
    for (const { name, path } of named) {
      const output = await openOutputIfThere(path, { judge });
      if (output !== undefined) open.set(name, output);
    }
    return await work(write);
  } finally {
    for (const { file } of open.values()) await file.close();
  }
}

/** @throws UsageError where one would take the place of another */
function requireApart(paths: readonly string[]): void {
  const twice = paths.find((path, index) => paths.indexOf(path) < index);
  if (twice === undefined) return;
  throw new UsageError({
    tried: `writing reports to ${twice}`,
    happened: 'two of them would go to that file, and one would be lost',
    next: 'name a file for each',
  });
}
