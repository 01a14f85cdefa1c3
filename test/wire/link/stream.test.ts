import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { LabError, UsageError } from '../../../src/base/errors.js';
import { packageRoot } from '../../../src/base/files/paths.js';
import type { Link } from '../../../src/wire/link/link.js';
import { FrameReader } from '../../../src/wire/link/stream-frames.js';
import { connectStream, listenStream } from '../../../src/wire/link/stream-open.js';
import { temporaryFolder } from '../../base/temporary.js';

function frame(length: number, mark: number): Buffer {
  return Buffer.alloc(length, mark);
}

function framed(...frames: readonly Buffer[]): Buffer {
  return Buffer.concat(
    frames.flatMap((bytes) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );
}

/** The next `count` frames that arrive, as copies. */
function frames(link: Link, count: number): Promise<Buffer[]> {
  return new Promise((resolve) => {
    const found: Buffer[] = [];
    link.onFrame = (bytes) => {
      found.push(Buffer.from(bytes));
      if (found.length === count) resolve(found);
    };
  });
}

test('frames: however a stream is cut into chunks, the same frames come out, the oversized ones left out', (t) => {
  const anyFrame = fc.tuple(fc.nat(90), fc.nat(255)).map(([length, mark]) => frame(length, mark));
  const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 });
  fc.assert(
    fc.property(fc.array(anyFrame), cuts, (sent, sizes) => {
      const bytes = framed(...sent);
      const found: Buffer[] = [];
      const reader = new FrameReader(60, (view) => found.push(Buffer.from(view)));
      for (let offset = 0, index = 0; offset < bytes.length; index++) {
        const size = sizes[index % sizes.length] as number;
        t.true(reader.push(bytes.subarray(offset, offset + size)));
        offset += size;
      }
      t.deepEqual(
        found,
        sent.filter(({ length }) => length > 0 && length <= 60),
      );
      t.is(reader.oversized, sent.filter(({ length }) => length > 60).length);
    }),
  );
});

test('frames: a length beyond all reason ends it', (t) => {
  const reader = new FrameReader(60, () => t.fail());
  t.false(reader.push(Buffer.from('GET / HTTP/1.1\r\n')));
});

for (const kind of ['a Unix socket', 'TCP']) {
  test(`frames pass both ways over ${kind}, in order`, async (t) => {
    const path = join(await temporaryFolder(t), 's');
    const server = await listenStream(kind === 'TCP' ? { port: 0 } : { path });
    const port = Number(server.name.split(':')[1]);
    const client = await connectStream(kind === 'TCP' ? { port } : { path });
    const atServer = frames(server, 1000);
    for (let number = 0; number < 1000; number++) t.true(client.send(frame(14 + number, number & 0xff)));
    const arrived = await atServer;
    t.true(arrived.every((bytes, number) => bytes.equals(frame(14 + number, number & 0xff))));
    const atClient = frames(client, 1);
    t.true(server.send(frame(60, 9)));
    t.deepEqual(await atClient, [frame(60, 9)]);
    t.is(client.counts.sent, 1000);
    t.is(server.counts.received, 1000);
    await client.close();
    await server.close();
    await server.close();
    t.throws(() => server.send(frame(60, 1)), { instanceOf: LabError, message: /closed/ });
    t.false(existsSync(path));
  });
}

test('a peer may leave and return, on either side; frames sent meanwhile are lost and say why', async (t) => {
  const path = join(await temporaryFolder(t), 's');
  const server = await listenStream({ path });
  t.teardown(() => server.close());
  t.false(server.send(frame(60, 1)));
  t.is(server.trouble, 'no peer is connected');
  const first = await connectStream({ path });
  await server.connected();
  const gone = new Promise((resolve) => {
    server.onPeer = (isThere) => isThere || resolve(undefined);
  });
  await first.close();
  await gone;
  t.false(server.send(frame(60, 2)));
  t.is(server.trouble, 'the peer has left');
  t.is(server.counts.dropped, 2);
  const second = await connectStream({ path });
  const arrived = frames(server, 1);
  second.send(frame(60, 3));
  t.deepEqual(await arrived, [frame(60, 3)]);
  // Now the listener goes and another takes its place: the connecting side finds it by itself.
  const left = new Promise((resolve) => {
    second.onPeer = (isThere) => isThere || resolve(undefined);
  });
  await server.close();
  await left;
  const another = await listenStream({ path });
  await second.connected();
  const again = frames(another, 1);
  second.send(frame(60, 4));
  t.deepEqual(await again, [frame(60, 4)]);
  t.is(second.counts.peers, 2);
  await second.close();
  await another.close();
});

/** A peer made of a bare socket. */
async function bare(path: string): Promise<Socket> {
  const socket = connect(path);
  await once(socket, 'connect');
  return socket;
}

test('a second peer is turned away while the first is there', async (t) => {
  const path = join(await temporaryFolder(t), 's');
  const server = await listenStream({ path });
  const first = await connectStream({ path });
  await server.connected();
  const second = await bare(path);
  second.resume();
  await once(second, 'close');
  t.true(server.isConnected);
  await first.close();
  await server.close();
});

test('a peer that does not read costs bounded memory: what is beyond is dropped and counted', async (t) => {
  const path = join(await temporaryFolder(t), 's');
  const server = await listenStream({ path }, { queue: 1 << 20, mtu: 9000 });
  const peer = await bare(path);
  peer.pause();
  await server.connected();
  const before = process.memoryUsage().rss;
  for (let number = 0; number < 50_000; number++) {
    server.send(frame(9014, 1));
    if (number % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const { sent, dropped } = server.counts;
  t.is(sent + dropped, 50_000);
  t.true(sent < 1000, `${sent} were taken`);
  t.regex(String(server.trouble), /send queue is full/);
  t.true(process.memoryUsage().rss - before < 100 << 20);
  peer.destroy();
  await server.close();
});

test('a peer that sends no frames is shown out; the next is served', async (t) => {
  const path = join(await temporaryFolder(t), 's');
  const server = await listenStream({ path });
  const stranger = await bare(path);
  stranger.on('error', () => {});
  stranger.write('GET / HTTP/1.1\r\n\r\n');
  stranger.resume();
  await once(stranger, 'close');
  t.is(server.trouble, 'the peer sent what is no stream of frames');
  const peer = await bare(path);
  const arrived = frames(server, 1);
  peer.write(framed(frame(3000, 1), frame(60, 2)));
  t.deepEqual(await arrived, [frame(60, 2)]);
  t.is(server.counts.oversized, 1);
  t.throws(() => server.send(frame(1515, 0)), {
    instanceOf: LabError,
    message: /longer than the MTU of 1500/,
  });
  peer.destroy();
  await server.close();
});

test('a place that is taken, a path too long, and a listener that is not there are named', async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, 's');
  const server = await listenStream({ path });
  await t.throwsAsync(listenStream({ path }), { instanceOf: LabError, message: /EADDRINUSE/ });
  await server.close();
  await t.throwsAsync(listenStream({ path: join(folder, 'x'.repeat(100)) }), {
    instanceOf: UsageError,
    message: /a Unix socket's at most 107/,
  });
  await t.throwsAsync(connectStream({ path }, { patience: 10 }), {
    instanceOf: LabError,
    message: /nobody took the connection within 0.01 s/,
  });
});

/** A process that listens, sends back what it hears, and can be killed. */
function echo(path: string) {
  const module = join(packageRoot, 'dist', 'src', 'wire', 'link', 'stream-open.js');
  const script = `
    const { listenStream } = await import(${JSON.stringify(module)});
    const link = await listenStream({ path: ${JSON.stringify(path)} });
    link.onFrame = (frame) => link.send(frame);
    process.stdout.write('ready');`;
  return spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

test('two processes exchange frames; one that was killed leaves a socket that the next takes over', async (t) => {
  const path = join(await temporaryFolder(t), 's');
  const one = echo(path);
  await once(one.stdout, 'data');
  const client = await connectStream({ path });
  const back = frames(client, 100);
  for (let number = 0; number < 100; number++) client.send(frame(100, number));
  t.is((await back).length, 100);
  const left = new Promise((resolve) => {
    client.onPeer = (isThere) => isThere || resolve(undefined);
  });
  one.kill('SIGKILL');
  await left;
  t.true(existsSync(path));
  const two = echo(path);
  t.teardown(() => two.kill('SIGKILL'));
  await client.connected();
  const again = frames(client, 1);
  client.send(frame(60, 7));
  t.deepEqual(await again, [frame(60, 7)]);
  await client.close();
});
