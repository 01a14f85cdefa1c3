import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { prometheus, serveMetrics } from '../../../src/wire/native/metrics.js';
import type { DaemonStatus } from '../../../src/wire/native/status-file.js';
import { OBEYED } from '../../face/ui/obeyed.js';

test('labels are escaped as the text format has it, and what does not print is shown', (t) => {
  const counters = {
    ...{ requests: 1, reads: 0, writes: 0, flushes: 0, bytesRead: 0, bytesWritten: 0, refused: 0, unsent: 0 },
    ataErrors: { idNotFound: 0, uncorrectable: 0, aborted: 0 },
    aoeErrors: {},
  };
  const one = { shelf: 0, slot: 1, iface: 'e"\\\n\x1b[2J\u202e磁', path: 'ring', sectors: 8, counters };
  const text = prometheus({ exports: [one] as unknown as Parameters<typeof prometheus>[0]['exports'] });
  t.notRegex(text, OBEYED);
  t.true(text.includes('aoe_lab_sectors{export="e0.1",interface="e\\"\\\\\\\\n\\\\x1b[2J\\\\u202e磁"} 8\n'));
  for (const line of text.trimEnd().split('\n'))
    t.regex(line, /^(# |aoe_lab_\w+\{(\w+="([^"\\\n]|\\["\\n])*",?)+\} \d+$)/);
});

const GET = 'GET /metrics HTTP/1.1\r\nhost: here\r\n\r\n';

async function setUp(t: ExecutionContext) {
  const clock = { now: 0 };
  const looks = { count: 0 };
  const status = (): DaemonStatus => {
    looks.count++;
    return { pid: 1, exports: [], waiting: [] };
  };
  const server = await serveMetrics('0', status, () => clock.now);
  t.teardown(() => server.close());
  const open = (): Socket => {
    const socket = connect(server.port as number, '127.0.0.1');
    socket.on('error', () => {});
    return socket;
  };
  return { clock, looks, server, open };
}

/** All that comes until the connection is closed. */
async function heard(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  await new Promise((resolve) => socket.on('close', resolve));
  return text;
}

test('HOSTILE 4: metrics are told once a connection, and rendered once a second', async (t) => {
  const { clock, looks, open } = await setUp(t);
  const ask = (request: string): Promise<string> => {
    const socket = open();
    socket.write(request);
    return heard(socket);
  };
  for (let times = 0; times < 20; times++) {
    const text = await ask(GET);
    t.regex(text, /^HTTP\/1\.1 200 [\s\S]*connection: close[\s\S]*\n# TYPE aoe_lab_sectors gauge\n$/i);
  }
  t.is(looks.count, 1);
  clock.now = 1000;
  t.regex(await ask(GET), /^HTTP\/1\.1 200 /);
  t.is(looks.count, 2);
  t.regex(await ask(GET.replace('metrics', 'other')), /^HTTP\/1\.1 404 [\s\S]*see \/metrics/);
});

test('HOSTILE 4: of requests without end on one connection one is answered, and it is closed', async (t) => {
  const { open, looks } = await setUp(t);
  const socket = open();
  const all = heard(socket);
  let more = 100;
  const push = (): void => {
    if (more-- > 0 && !socket.destroyed) socket.write(GET.repeat(1000), () => setImmediate(push));
  };
  push();
  const text = await all;
  t.true((text.match(/HTTP\/1\.1 /g) ?? []).length <= 1);
  t.true(looks.count <= 1);
});

test('HOSTILE 4: connections beyond a few are closed at once, and all of them when it ends', async (t) => {
  const { open, server } = await setUp(t);
  const sockets = Array.from({ length: 50 }, open);
  const closed: Socket[] = [];
  const some = new Promise<void>((resolve) => {
    for (const socket of sockets) {
      socket.on('data', () => {});
      socket.on('close', () => {
        closed.push(socket);
        if (closed.length === 42) resolve();
      });
    }
  });
  await some;
  const left = sockets.filter((socket) => !closed.includes(socket));
  t.is(left.length, 8);
  const ends = left.map((socket) => once(socket, 'close'));
  server.close();
  await Promise.all(ends);
  t.pass();
});
