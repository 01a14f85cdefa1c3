import test from 'ava';
import { ownerOf, ownMark } from '../../src/base/owner.js';

test('this process is alive, whatever follows its mark', async (t) => {
  const mark = await ownMark();
  t.is(await ownerOf(mark), 'alive');
  t.is(await ownerOf(`${mark}-Xy12`), 'alive');
});

test('a process that has ended is gone, and so is one whose id another has by now', async (t) => {
  const [pid, started, namespace] = (await ownMark()).split('-') as [string, string, string];
  t.is(await ownerOf(`99999998-1-${namespace}`), 'gone');
  t.is(await ownerOf(`${pid}-${Number(started) + 1}-${namespace}`), 'gone');
  t.is(await ownerOf(`99999999-${started}-${namespace}`), 'gone');
});

test('of another PID namespace nothing is known', async (t) => {
  const [pid, started, namespace] = (await ownMark()).split('-') as [string, string, string];
  t.is(await ownerOf(`${pid}-${started}-${namespace}1`), 'elsewhere');
  t.is(await ownerOf(`99999999-1-1`), 'elsewhere');
});

for (const name of ['', 'x', '12', '12-', '12-34', 'a-1-2', '-1-2-3', '12-x-3']) {
  test(`"${name}" names no owner`, async (t) => {
    t.is(await ownerOf(name), undefined);
  });
}
