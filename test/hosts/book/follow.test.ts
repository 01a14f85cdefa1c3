import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { follow } from '../../../src/hosts/book/follow.js';
import { here } from '../../../src/hosts/host/local.js';
import { temporaryFolder } from '../../base/temporary.js';

test('a log is handed on from its beginning and as it grows, characters whole, until it is called off', async (t) => {
  const log = join(await temporaryFolder(t), 'log');
  await writeFile(log, 'first 磁');
  const stop = new AbortController();
  let text = '';
  let came: () => void = () => {};
  const has = (what: string): Promise<void> =>
    new Promise((resolve) => {
      came = () => text.includes(what) && resolve();
      came();
    });
  const end = follow(
    here,
    log,
    (part) => {
      text += part;
      came();
    },
    stop.signal,
  );
  await has('first 磁');
  await appendFile(log, Buffer.from('盘').subarray(0, 1));
  await appendFile(log, Buffer.concat([Buffer.from('盘').subarray(1), Buffer.from(' second\n')]));
  await has('second');
  t.is(text, 'first 磁盘 second\n');
  stop.abort();
  await end;
});
