import test from 'ava';
import fc from 'fast-check';
import {
  AtaCommand,
  AtaFlag,
  BROADCAST,
  buildFrame,
  dissect,
  dissection,
  type Frame,
  parseFrame,
  requestHeader,
  responseHeader,
} from '../../../src/wire/aoe/index.js';

const ethernet = { source: 0x02_00_00_00_00_01, destination: 0x02_00_00_00_00_02 };
const ENDS = '02:00:00:00:00:01 > 02:00:00:00:00:02';

function ata(cmdStatus: number, more: object = {}, data = Buffer.alloc(0)): Frame {
  const fields = { flags: 0, errFeature: 0, count: 0, cmdStatus, lba: 0, ...more };
  return { kind: 'ata', ethernet, header: requestHeader(0, 1, 0, 0x2a), ata: fields, data };
}

function config(ccmd: number, string = ''): Frame {
  const fields = {
    bufferCount: 0,
    firmware: 0,
    sectorCount: 0,
    version: 1,
    ccmd,
    string: Buffer.from(string),
  };
  return { kind: 'config', ethernet, header: requestHeader(0, 1, 1, 0x2a), config: fields };
}

const wide = { flags: AtaFlag.lba48, count: 8, lba: 1234 };
const { header } = config(0);
const requests: [Frame, string][] = [
  [ata(AtaCommand.readSectorsExt, wide), 'read 8 sectors at LBA 1234'],
  [ata(AtaCommand.readSectors, { count: 1, lba: 5 }), 'read 1 sector at LBA 5, 28 bits'],
  [
    ata(AtaCommand.readSectors, { count: 1, flags: AtaFlag.write | AtaFlag.async }),
    'read 1 sector at LBA 0, 28 bits (flags 0x03)',
  ],
  [ata(AtaCommand.writeSectorsExt, { ...wide, flags: 0x51 }), 'write 8 sectors at LBA 1234'],
  [ata(AtaCommand.identifyDevice, { count: 1 }), 'identify'],
  [ata(AtaCommand.flushCacheExt, { flags: AtaFlag.lba48 }), 'flush ext'],
  [ata(AtaCommand.smart, { errFeature: 0xd0 }), 'SMART, feature 0xd0'],
  [ata(0x99), 'ATA command 0x99, 0 sectors at LBA 0'],
  [config(0), 'config read'],
  [config(1, 'lab'), 'config test "lab"'],
  [config(2, 'la"\x00'), 'config test of prefix "la\\"\\x00"'],
  [config(3, 'lab'), 'config set to "lab"'],
  [config(4, 'x'.repeat(50)), `config forced to "${'x'.repeat(48)}…" (50 bytes)`],
  [config(9), 'config subcommand 9 ""'],
  [{ kind: 'mask', ethernet, header, mask: { mcmd: 0, merror: 0, directives: [] } }, 'mask list read'],
  [
    { kind: 'mask', ethernet, header, mask: { mcmd: 1, merror: 0, directives: [{ dcmd: 1, mac: 7 }] } },
    'mask list edit: add 00:00:00:00:00:07',
  ],
  [{ kind: 'reserve', ethernet, header, reserve: { rcmd: 0, macs: [] } }, 'reservation read'],
  [
    { kind: 'reserve', ethernet, header, reserve: { rcmd: 2, macs: [1] } },
    'reserve by force for 00:00:00:00:00:01',
  ],
  [{ kind: 'reserve', ethernet, header, reserve: { rcmd: 1, macs: [] } }, 'release'],
  [
    { kind: 'vendor', ethernet, header: { ...header, command: 0xf0 }, body: Buffer.alloc(36) },
    'vendor command 0xf0, 36 bytes',
  ],
  [{ ...config(0), header: { ...header, version: 3 } } as Frame, 'config read (version 3)'],
];
for (const [frame, text] of requests) {
  test(`a request in words: ${text}`, (t) => {
    t.is(dissect(frame), `${ENDS}  e0.1  request 0000002a  ${text}`);
  });
}

function answer(frame: Frame, error = 0): Frame {
  return { ...frame, header: responseHeader(frame.header, 0, 1, error) };
}

const answers: [Frame, string, boolean][] = [
  [answer(ata(0x40)), 'done', false],
  [answer(ata(0x40, {}, Buffer.alloc(1024))), '2 sectors of data', false],
  [answer(ata(0x41, { errFeature: 0x10 })), 'status 0x41 (DRDY ERR), error 0x10 (IDNF)', true],
  [answer(ata(0x40), 6), 'AoE error 6 (target is reserved)', true],
  [
    answer(config(0, 'lab')),
    'config "lab", 0 buffers, 0 sectors a frame, firmware 0x0000, AoE version 1',
    false,
  ],
];
for (const [frame, text, isTrouble] of answers) {
  test(`an answer in words: ${text}`, (t) => {
    t.like(dissection(frame), { kind: 'response', target: 'e0.1', tag: '0000002a', text, isTrouble });
  });
}

test('an answer is told with the request it belongs to', (t) => {
  t.is(dissection(answer(ata(0x40)), 'flush').text, 'flush: done');
});

test('an announcement, an address for all, and what is no frame', (t) => {
  const announcement = {
    ...answer(config(0)),
    ethernet: { ...ethernet, destination: BROADCAST },
    header: responseHeader({ ...header, tag: 0 }, 3, 4),
  } as Frame;
  t.like(dissection(announcement), { kind: 'announcement', destination: 'broadcast', target: 'e3.4' });
  const all = { ...config(0), header: { ...header, major: 0xffff, minor: 0xff } } as Frame;
  t.is(dissection(all).target, 'e*.*');
  t.is(dissect(Buffer.alloc(3)), "fault  can't be read: Ethernet header: it ends at byte 14, the frame at 3");
});

test('any bytes give a line, the same as their parsed frame, and it is one line that prints', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 10, maxLength: 80 }), fc.nat(255), (tail, command) => {
      const head = buildFrame(config(0)).subarray(0, 24);
      head[19] = command % 5;
      const bytes = Buffer.concat([head, tail]);
      bytes[14] = (tail[0] as number) & 0x1f;
      const line = dissect(bytes);
      t.is(line, dissect(parseFrame(bytes)));
      t.regex(line, /^[ -~…]+$/);
    }),
  );
});
