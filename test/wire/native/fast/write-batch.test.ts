import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { type Syscalls, syscalls } from '../../../../src/base/libc/syscalls.js';
import { allocate } from '../../../../src/wire/link/frame-memory.js';
import { WriteBatch } from '../../../../src/wire/native/fast/write-batch.js';
import { temporaryFolder } from '../../../base/temporary.js';

const FILE = 8192;
const writes = fc.array(
  fc.record({
    offset: fc.integer({ min: 0, max: FILE - 512 }),
    length: fc.integer({ min: 1, max: 512 }),
    byte: fc.nat(255),
  }),
  { minLength: 1, maxLength: 16 },
);

const ways: [string, (c: Syscalls) => Syscalls][] = [
  ['many by one call', (c) => c],
  ['a call for each where the kernel has no io_submit', (c) => ({ ...c, ioSetup: () => -1 })],
];
for (const [way, using] of ways) {
  test(`writes end in the file in their order: ${way}`, async (t) => {
    const path = join(await temporaryFolder(t), 'disk');
    await writeFile(path, Buffer.alloc(FILE));
    const file = await open(path, 'r+');
    t.teardown(() => file.close());
    const c = using(await syscalls());
    const batch = new WriteBatch(c, 16);
    const data = allocate(c, 16 * 512);
    const expected = Buffer.alloc(FILE);
    await fc.assert(
      fc.asyncProperty(writes, async (list) => {
        for (const [index, { offset, length, byte }] of list.entries()) {
          data.bytes.fill(byte, index * 512, index * 512 + length);
          expected.fill(byte, offset, offset + length);
          batch.add(file.fd, data.address + index * 512, length, offset);
        }
        const results = [...batch.carryOut().subarray(0, list.length)];
        t.deepEqual(
          results,
          list.map(({ length }) => length),
        );
        t.is(batch.count, 0);
        t.deepEqual(await readFile(path), expected);
      }),
    );
  });

  test(`one that fails harms none of the others: ${way}`, async (t) => {
    const path = join(await temporaryFolder(t), 'disk');
    await writeFile(path, Buffer.alloc(FILE));
    const [file, readOnly] = [await open(path, 'r+'), await open(path, 'r')];
    t.teardown(() => Promise.all([file.close(), readOnly.close()]));
    const c = using(await syscalls());
    const batch = new WriteBatch(c, 4);
    const data = allocate(c, 512);
    data.bytes.fill(7);
    for (const { fd } of [file, readOnly, file]) batch.add(fd, data.address, 512, 512 * batch.count);
    const [first, second, third] = batch.carryOut();
    t.deepEqual([first, third], [512, 512]);
    t.true((second ?? 0) < 0);
    const bytes = await readFile(path);
    t.deepEqual(
      [0, 512, 1024].map((at) => bytes[at]),
      [7, 0, 7],
    );
  });
}
