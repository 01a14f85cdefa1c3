import test from 'ava';
import { LabError } from '../../../src/base/errors.js';
import { chooseExport, type Stream } from '../../../src/prove/bench/nbd-handshake.js';

/** A server that has said everything before it was asked. */
function stream(...parts: (string | number[])[]): Stream & { sent: Buffer } {
  let said = Buffer.concat(parts.map((part) => Buffer.from(part as number[])));
  return {
    sent: Buffer.alloc(0),
    read(length) {
      if (length > said.length)
        throw new LabError({ tried: 'reading', happened: 'the server closed the connection' });
      const bytes = said.subarray(0, length);
      said = said.subarray(length);
      return bytes;
    },
    write(data) {
      this.sent = Buffer.concat([this.sent, data]);
    },
  };
}

const HELLO = ['NBDMAGIC', 'IHAVEOPT', [0, 3]];
const reply = (type: number[], data: number[]) => [
  ...[0x00, 0x03, 0xe8, 0x89, 0x04, 0x55, 0x65, 0xa9],
  ...[0, 0, 0, 7],
  ...type,
  ...[0, 0, 0, data.length],
  ...data,
];
const EXPORT = reply([0, 0, 0, 3], [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 5]);
const ACK = reply([0, 0, 0, 1], []);

test('an oldstyle or foreign server is refused', (t) => {
  t.throws(() => chooseExport(stream('NBDMAGIC', [0, 0, 0x42, 2, 0x81, 0x86, 0x12, 0x53], [0, 0]), ''), {
    message: /newstyle/,
  });
  t.throws(() => chooseExport(stream('SSH-2.0-OpenSSH_9.2\r\n'), ''), { message: /newstyle/ });
  t.throws(() => chooseExport(stream('NBDMAGIC', 'IHAVEOPT', [0, 2]), ''), { message: /fixed newstyle/ });
});

test('a refusal is told with the words of the server', (t) => {
  const refusal = reply([0x80, 0, 0, 6], [...Buffer.from('no such export')]);
  t.throws(() => chooseExport(stream(...HELLO, refusal), 'x'), { message: /0x80000006: no such export/ });
});

test('a server that goes away in between is an error', (t) => {
  t.throws(() => chooseExport(stream(...HELLO, EXPORT), ''), { instanceOf: LabError });
});

test('the size is found among other facts, and what is sent is what the protocol says', (t) => {
  const name = reply([0, 0, 0, 3], [0, 1, 0x61]);
  const server = stream(...HELLO, name, EXPORT, ACK);
  t.is(chooseExport(server, 'ab'), 65_536);
  t.is(
    server.sent.toString('hex'),
    '00000001 49484156454f5054 00000007 00000008 00000002 6162 0000'.replaceAll(' ', ''),
  );
});
