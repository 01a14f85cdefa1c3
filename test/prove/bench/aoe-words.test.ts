import test from 'ava';
import { ATA_ERROR, sourceWords, Word } from '../../../src/prove/bench/aoe-words.js';
import { AtaStatus, buildFrame } from '../../../src/wire/aoe/index.js';

const MAC = 0x02_11_22_33_44_f5;

function wordsOf(cmdStatus: number): Uint32Array {
  const bytes = buildFrame({
    kind: 'ata',
    ethernet: { destination: 1, source: MAC },
    header: { version: 1, flags: 8, error: 0, major: 0, minor: 1, command: 0, tag: 1 },
    ata: { flags: 0, errFeature: 0, count: 0, cmdStatus, lba: 0 },
    data: Buffer.alloc(0),
  });
  return new Uint32Array(Uint8Array.from(bytes).buffer);
}

test('an answer that says error, fault or busy is none that was done', (t) => {
  const { ready, error, fault, busy } = AtaStatus;
  for (const status of [ready | error, ready | fault, busy, busy | ready]) {
    t.not((wordsOf(status)[Word.ata] as number) & ATA_ERROR, 0, String(status));
  }
  for (const status of [0, ready, ready | 0x10]) t.is((wordsOf(status)[Word.ata] as number) & ATA_ERROR, 0);
});

test('a station is known by its words in a frame', (t) => {
  const words = wordsOf(0x40);
  t.deepEqual(sourceWords(MAC), {
    first: (words[Word.middle] as number) >>> 16,
    rest: words[Word.source] as number,
  });
});
