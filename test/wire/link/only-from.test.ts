import test from 'ava';
import { MemorySegment } from '../../../src/wire/link/index.js';
import { onlyFrom } from '../../../src/wire/link/only-from.js';

/** To everybody. */
function frame(source: number, type: number): Buffer {
  const bytes = Buffer.alloc(60).fill(0xff, 0, 6);
  bytes.writeUIntBE(source, 6, 6);
  bytes.writeUInt16BE(type, 12);
  return bytes;
}

test('one station is heard, others are not', async (t) => {
  const segment = new MemorySegment();
  const [two, three] = [segment.join(2), segment.join(3)];
  const link = onlyFrom(segment.join(1), 2);
  const heard: number[] = [];
  link.onFrame = (bytes) => heard.push(bytes.readUIntBE(6, 6));
  for (const other of [three, two, three]) other.send(frame(other.mac, 0x88a2));
  await new Promise(setImmediate);
  t.deepEqual(heard, [2]);
  t.is(link.mac, 1);
});

test('all is sent, or one EtherType alone', async (t) => {
  const segment = new MemorySegment();
  const two = segment.join(2);
  const heard: number[] = [];
  two.onFrame = (bytes) => heard.push(bytes.readUInt16BE(12));
  const below = segment.join(1);
  for (const link of [onlyFrom(below, 2), onlyFrom(below, 2, 0x88a2)]) {
    for (const type of [0x86dd, 0x88a2]) t.true(link.send(frame(1, type)));
  }
  await new Promise(setImmediate);
  t.deepEqual(heard, [0x86dd, 0x88a2, 0x88a2]);
});
