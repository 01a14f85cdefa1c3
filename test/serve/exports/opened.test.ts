import test from 'ava';
import { withoutOwn } from '../../../src/serve/exports/opened.js';

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
