import test from 'ava';
import { BROADCAST, buildFrame } from '../../../src/wire/aoe/index.js';
import { announcements } from '../../../src/wire/native/react.js';
import { ADDRESS, config, OTHERS, OURS, raw, SECTORS, THEIRS, table } from './bench-top.js';

const SILENT: [string, Parameters<typeof config>[2]][] = [
  ['a response is not answered', { flags: 8 }],
  ['another shelf is not answered', { shelf: 8 }],
  ['another slot is not answered', { slot: 4 }],
  ['all shelves but another slot is not answered', { shelf: 0xffff, slot: 4 }],
  ['another shelf but all slots is not answered', { shelf: 8, slot: 0xff }],
  ['a frame to another station is not answered', { to: OTHERS }],
  ['a frame from a group address is not answered', { from: BROADCAST }],
  ['a frame from our own address is not answered', { from: OURS }],
];

for (const [title, envelope] of SILENT) {
  test(`addressing: ${title}`, async (t) => {
    t.deepEqual(await table().ask(config(0, '', envelope)), []);
  });
}

const ANSWERED: [string, Parameters<typeof config>[2]][] = [
  ['its own address', {}],
  ['all shelves and all slots, broadcast', { shelf: 0xffff, slot: 0xff, to: BROADCAST }],
  ['all shelves and its slot', { shelf: 0xffff }],
  ['its shelf and all slots', { slot: 0xff }],
  ['all shelves and all slots, to it alone', { shelf: 0xffff, slot: 0xff }],
];

for (const [title, envelope] of ANSWERED) {
  test(`addressing: ${title} is answered with its own address, MAC and the tag`, async (t) => {
    const [answer, ...more] = await table().ask(config(0, '', { ...envelope, tag: 0xfedcba98 }));
    t.deepEqual(more, []);
    t.deepEqual(answer?.ethernet, { destination: THEIRS, source: OURS });
    t.like(answer?.header, {
      version: 1,
      flags: 8,
      error: 0,
      major: ADDRESS.shelf,
      minor: ADDRESS.slot,
      command: 1,
      tag: 0xfedcba98,
    });
  });
}

for (const version of [0, 2, 15]) {
  test(`addressing: version ${version} is answered by error 5 in version 1`, async (t) => {
    const [answer] = await table().ask(config(0, '', { version }));
    t.like(answer?.header, { version: 1, flags: 0xc, error: 5, command: 1 });
  });
}

for (const command of [4, 5, 0x7f, 0xef, 0xf0, 0xff]) {
  test(`addressing: command ${command} is answered by error 1`, async (t) => {
    const [answer] = await table().ask(raw(command));
    t.like(answer?.header, { flags: 0xc, error: 1, command });
  });
}

test('addressing: a frame shorter than its headers is not answered, nor does it do harm', async (t) => {
  const whole = buildFrame(config(0));
  const bench = table();
  for (let length = 0; length < 24; length++) {
    t.deepEqual(await bench.ask(whole.subarray(0, length)), []);
  }
  t.is(bench.served.target.sectors, SECTORS);
});

test('addressing: a query of 24 bytes counts as padded, and every answer has 60 bytes at least', async (t) => {
  const bench = table();
  const [answer] = await bench.ask(buildFrame(config(0)).subarray(0, 24));
  t.is(answer?.kind, 'config');
  t.is(bench.sent[0]?.length, 60);
});

test('addressing: who is not on the access list is not answered, and counted', async (t) => {
  const bench = table({ macs: [OTHERS] });
  t.deepEqual(await bench.ask(config(0), raw(9), config(0, '', { version: 3 })), []);
  t.is((await bench.ask(config(0, '', { from: OTHERS }))).length, 1);
  t.is(bench.served.counters.refused, 3);
});

test('announcement: to everybody, unasked, with tag 0', (t) => {
  const [frame, ...more] = announcements(table().served.target, { mac: OURS, maxSectors: 2 });
  t.deepEqual(more, []);
  t.deepEqual(frame?.ethernet, { destination: BROADCAST, source: OURS });
  t.like(frame?.header, {
    version: 1,
    flags: 8,
    command: 1,
    tag: 0,
    major: ADDRESS.shelf,
    minor: ADDRESS.slot,
  });
});

test('announcement: with an access list to those on it, or to all if so asked', (t) => {
  const port = { mac: OURS, maxSectors: 2 };
  const listed = announcements(table({ macs: [THEIRS, OTHERS] }).served.target, port);
  t.deepEqual(
    listed.map(({ ethernet }) => ethernet.destination),
    [THEIRS, OTHERS],
  );
  const all = announcements(table({ macs: [THEIRS], broadcast: true }).served.target, port);
  t.deepEqual(
    all.map(({ ethernet }) => ethernet.destination),
    [BROADCAST],
  );
});
