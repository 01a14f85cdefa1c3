import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { UsageError } from '../../../src/base/errors.js';
import { addHost } from '../../../src/hosts/book/add.js';
import { addToBook, bookedHost, readBook, removeFromBook } from '../../../src/hosts/book/book.js';

const folder = await mkdtemp(join(tmpdir(), 'aoe-lab-book-'));
process.env.XDG_CONFIG_HOME = folder;
const path = join(folder, 'aoe-lab', 'hosts.yaml');
test.after.always(() => rm(folder, { recursive: true, force: true }));

test.serial('hosts are added, replaced and removed; the file is for its owner alone', async (t) => {
  t.deepEqual([...(await readBook())], []);
  await addToBook('one', { address: '10.0.0.1', user: 'root', port: 2222, sudo: 'never' });
  await addToBook('two', { address: 'alias' });
  await addToBook('one', { address: '10.0.0.2' });
  t.deepEqual(await bookedHost('one'), { address: '10.0.0.2' });
  t.is(await bookedHost('three'), undefined);
  t.is((await stat(path)).mode & 0o777, 0o600);
  t.is(await readFile(path, 'utf8'), 'hosts:\n  one:\n    address: 10.0.0.2\n  two:\n    address: alias\n');
  t.true(await removeFromBook('one'));
  t.false(await removeFromBook('one'));
  t.deepEqual([...(await readBook()).keys()], ['two']);
});

test.serial('many at once lose none', async (t) => {
  const names = Array.from({ length: 8 }, (_, index) => `h${index}`);
  await Promise.all(names.map((name) => addToBook(name, { address: name })));
  const book = await readBook();
  t.true(names.every((name) => book.get(name)?.address === name));
});

test.serial(
  'a host that can not be reached does not come into the book, and takes no other’s place',
  async (t) => {
    // Port 1 of this machine; nobody answers there.
    const nobody = { address: '127.0.0.1', user: 'root', port: 1 };
    await t.throwsAsync(addHost('away', nobody, {}));
    t.is(await bookedHost('away'), undefined);
    await addHost('away', nobody, { unchecked: true });
    await t.throwsAsync(addHost('away', { ...nobody, user: 'other' }, {}));
    t.deepEqual(await bookedHost('away'), nobody);
    // One that takes the connection and says nothing: the command may be ended while it waits.
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const adding = addHost('away', { ...nobody, port }, {});
    const [socket] = (await once(server, 'connection')) as [Socket];
    t.deepEqual(await bookedHost('away'), nobody);
    server.close();
    socket.destroy();
    await t.throwsAsync(adding);
    t.deepEqual(await bookedHost('away'), nobody);
    await removeFromBook('away');
  },
);

test.serial('names and files that are none', async (t) => {
  for (const name of ['', 'here', '-x', 'a b', '../a', 'a@b', 'a:1']) {
    await t.throwsAsync(addToBook(name, { address: 'x' }), { instanceOf: UsageError }, name);
  }
  for (const text of [
    'hosts: [',
    'hosts: {a: {}}',
    'hosts: {a: {address: x, port: 0}}',
    'x: 1',
    '- '.repeat(50_000),
  ]) {
    await writeFile(path, text);
    await t.throwsAsync(readBook(), { instanceOf: UsageError, message: /hosts\.yaml/ }, text);
  }
});
