import test from 'ava';
import {
  AtaCommand,
  BROADCAST,
  buildFrame,
  Conversation,
  type Frame,
  requestHeader,
  responseHeader,
} from '../../../src/wire/aoe/index.js';

const CLIENT = 0x02_00_00_00_00_01;
const TARGET = 0x02_00_00_00_00_02;

function read(tag: number, lba: number): Frame {
  return {
    kind: 'ata',
    ethernet: { source: CLIENT, destination: TARGET },
    header: requestHeader(0, 1, 0, tag),
    ata: { flags: 0x40, errFeature: 0, count: 2, cmdStatus: AtaCommand.readSectorsExt, lba },
    data: Buffer.alloc(0),
  };
}

const done = { flags: 0, errFeature: 0, count: 0, cmdStatus: 0x40, lba: 0 };

function answer(request: Frame, bytes = 0): Frame {
  return {
    kind: 'ata',
    ethernet: { source: TARGET, destination: CLIENT },
    header: responseHeader(request.header, 0, 1),
    ata: done,
    data: Buffer.alloc(bytes),
  };
}

test('an answer is told with its request and the time between; a request sent again is marked', (t) => {
  const talk = new Conversation();
  const request = read(7, 100);
  const reply = buildFrame(answer(request, 1024));
  t.like(talk.hear(buildFrame(request), 10), { kind: 'request', isRepeated: false, roundTrip: undefined });
  t.like(talk.hear(buildFrame(request), 50), { isRepeated: true });
  t.like(talk.hear(reply, 52), {
    text: 'read 2 sectors at LBA 100: 2 sectors of data',
    isRepeated: false,
    roundTrip: 2,
  });
  t.like(talk.hear(reply, 53), { isRepeated: true, roundTrip: 3 });
  // The tag is taken for something else: no repetition.
  t.like(talk.hear(buildFrame(read(7, 200)), 60), { isRepeated: false });
});

test("what was asked is not seen, another's tag, an announcement: told alone", (t) => {
  const talk = new Conversation();
  const request = read(7, 100);
  const reply = answer(request);
  t.like(talk.hear(buildFrame(reply), 1), { text: 'done', roundTrip: undefined });
  talk.hear(buildFrame(request), 2);
  const foreign = { ...reply, ethernet: { source: TARGET, destination: 0x02_00_00_00_00_09 } };
  t.like(talk.hear(buildFrame(foreign), 3), { text: 'done', roundTrip: undefined });
  const toAll = { ...reply, ethernet: { source: TARGET, destination: BROADCAST } };
  t.is(talk.hear(buildFrame(toAll), 4).roundTrip, undefined);
  t.is(talk.hear(Buffer.alloc(5), 5).kind, 'fault');
});

test('memory is bounded: old requests are forgotten', (t) => {
  const talk = new Conversation();
  for (let tag = 1; tag <= 10_000; tag++) talk.hear(buildFrame(read(tag, tag)), 0);
  const old = answer(read(1, 1));
  t.is(talk.hear(buildFrame(old), 1).roundTrip, undefined);
  const recent = answer(read(9999, 1));
  t.is(talk.hear(buildFrame(recent), 1).roundTrip, 1);
});
