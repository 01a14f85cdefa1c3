import test from 'ava';
import { MemorySegment } from '../../../src/wire/link/index.js';

test('a frame longer than the MTU is refused', (t) => {
  const link = new MemorySegment(1500).join(1);
  t.true(link.send(Buffer.alloc(1514)));
  t.throws(() => link.send(Buffer.alloc(1515)), { message: /longer than the MTU of 1500/ });
});

test('a closed link sends and hears nothing', async (t) => {
  const segment = new MemorySegment();
  const [one, two] = [segment.join(1), segment.join(2)];
  two.onFrame = () => t.fail();
  one.send(Buffer.alloc(60));
  await two.close();
  await two.close();
  t.throws(() => two.send(Buffer.alloc(60)), { message: /closed/ });
  await new Promise(setImmediate);
});

test('all others hear a frame, in order, with the bytes as they were when it was sent', async (t) => {
  const segment = new MemorySegment();
  const [one, two, three] = [segment.join(1), segment.join(2), segment.join(3)];
  const heard: string[] = [];
  one.onFrame = () => t.fail('the sender hears itself');
  two.onFrame = (frame) => heard.push(`two ${frame[0]}`);
  three.onFrame = (frame) => heard.push(`three ${frame[0]}`);
  const frame = Buffer.alloc(60);
  for (let value = 1; value <= 2; value++) {
    frame[0] = value;
    one.send(frame);
  }
  frame[0] = 9;
  t.deepEqual(heard, []);
  await new Promise(setImmediate);
  t.deepEqual(heard, ['two 1', 'three 1', 'two 2', 'three 2']);
});
