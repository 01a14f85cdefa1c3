import { basename, dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { create } from 'tar';
import type { AnsibleBuild } from './builds.js';

/** The artifacts of a build, files or folders, as a tar archive without times or owners. */
export async function archiveOf({ artifacts }: Pick<AnsibleBuild, 'artifacts'>): Promise<Buffer> {
  const [first] = artifacts;
  if (first === undefined) throw new TypeError('a build without artifacts');
  const names = new Map(artifacts.map(({ name, path }) => [basename(path), name]));
  const stream = create(
    {
      cwd: dirname(first.path),
      gzip: { level: 9 },
      portable: true,
      noMtime: true,
      onWriteEntry: (entry) => {
        const [top = '', ...rest] = entry.path.split('/');
        entry.path = join(names.get(top) ?? top, ...rest);
      },
    },
    [...names.keys()],
  );
  return buffer(stream);
}
