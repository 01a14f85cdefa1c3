import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { RunOptions } from '../../../src/hosts/host/host.js';
import { LocalHost } from '../../../src/hosts/host/local.js';
import { openedBy, parseOpened, withoutOwn } from '../../../src/serve/exports/opened.js';
import { temporaryFolder } from '../../base/temporary.js';
import { SHELLS } from '../../hosts/shells.js';

for (const shell of SHELLS) {
  test(`what processes have open is told together, by ${shell.join(' ')}`, async (t) => {
    class Host extends LocalHost {
      override run([, ...words]: string[], options?: RunOptions) {
        return super.run([...shell, ...words], options);
      }
    }
    const folder = await temporaryFolder(t);
    const plain = await open(join(folder, 'plain'), 'w+');
    const gone = await open(join(folder, 'gone -> else'), 'w+');
    const lines = await open(join(folder, 'lines\nseen 1'), 'w+');
    await rm(join(folder, 'gone -> else'));
    const none = 2 ** 22 + 1;
    const { seen: found, hidden } = await openedBy(new Host(), [process.pid, none, process.ppid]);
    t.deepEqual([...hidden], []);
    t.deepEqual([...found.keys()], [process.pid, process.ppid]);
    const own = [...(found.get(process.pid)?.files.values() ?? [])].filter(
      ({ at, name }) => name?.startsWith(folder) || at === `/proc/${process.pid}/fd/${lines.fd}`,
    );
    t.deepEqual(
      own.map(({ at, name, links }) => [at, name, links]),
      [
        [`/proc/${process.pid}/fd/${plain.fd}`, join(folder, 'plain'), 1],
        [`/proc/${process.pid}/fd/${gone.fd}`, `${join(folder, 'gone -> else')} (deleted)`, 0],
        [`/proc/${process.pid}/fd/${lines.fd}`, join(folder, 'lines'), 1],
      ],
    );
    await Promise.all([plain, gone, lines].map((one) => one.close()));
  });
}

test('hostile: a name with line breaks forges no file, no process and no other name', (t) => {
  const node = (inode: number, at: string) => `81a4 5 ${inode} 0 512 8 0 0 0 1 ${at}`;
  const { seen: found, hidden } = parseOpened(
    [
      'seen 7',
      'hidden 6',
      node(1, '/proc/7/fd/3'),
      node(2, '/proc/7/fd/4'),
      '@names',
      'lrwx------ 1 root root 64 Nov 28 21:00 /proc/7/fd/3 -> /srv/a',
      'seen 8',
      'hidden 9',
      node(9, '/proc/7/fd/9'),
      '@names',
      'lrwx------ 1 root root 64 Nov 28 21:00 /proc/7/fd/4 -> /srv/forged',
      'lrwx------ 1 root root 64 Nov 28 21:00 /proc/7/fd/4 -> /srv/b',
    ].join('\n'),
  );
  t.deepEqual([...found.keys()], [7]);
  t.deepEqual([...hidden], [6]);
  t.deepEqual(
    [...(found.get(7)?.files ?? [])].map(([key, { name }]) => [key, name]),
    [
      ['0:5:1', '/srv/a'],
      ['0:5:2', undefined],
    ],
  );
});

test('what a target serves is told from logs and state files, also where images lie beside these', (t) => {
  const names = [
    '/state/logs/ggaoed.log',
    '/state/daemons/ggaoed/ggaoed.conf',
    '/state/images/e0.0.img',
    '/state/logs.img',
    '/state2/logs/e0.0.img',
    undefined,
  ];
  const files = new Map(names.map((name, index) => [`1:${index}`, { at: '', links: 1, blocks: 8, name }]));
  const [served] = withoutOwn([{ files, devices: new Set() }], '/state');
  t.deepEqual(
    [...(served?.files.values() ?? [])].map(({ name }) => name),
    names.slice(2),
  );
  const log = new Map([['1:0', { at: '', links: 1, blocks: 8, name: names[0] }]]);
  t.deepEqual(withoutOwn([{ files: log, devices: new Set() }], '/state'), []);
});
