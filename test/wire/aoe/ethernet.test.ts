import test from 'ava';
import fc from 'fast-check';
import { unusableAsSource } from '../../../src/wire/aoe/ethernet.js';
import { BROADCAST, formatMac, parseMac, readMac, writeMac } from '../../../src/wire/aoe/index.js';
import { mac } from './arbitraries.js';

for (const text of [
  '',
  '02:00:00:00:00',
  '02:00:00:00:00:01:02',
  '02:00:00:00:00:0g',
  '2:0:0:0:0:1',
  '02:00-00:00-00:01',
]) {
  test(`"${text}" is no MAC address`, (t) => {
    t.is(parseMac(text), undefined);
  });
}

for (const text of ['02:00:5e:00:00:aB', '02-00-5E-00-00-ab', '02005e0000ab']) {
  test(`"${text}" is a MAC address`, (t) => {
    t.is(parseMac(text), 0x02005e0000ab);
  });
}

test('the broadcast address is written as people write it', (t) => {
  t.is(formatMac(BROADCAST), 'ff:ff:ff:ff:ff:ff');
  t.is(formatMac(1), '00:00:00:00:00:01');
});

test('every address survives text and bytes', (t) => {
  fc.assert(
    fc.property(mac, (address) => {
      t.is(parseMac(formatMac(address)), address);
      const bytes = Buffer.alloc(8);
      writeMac(address, bytes, 1);
      t.is(readMac(bytes, 1), address);
      t.is(bytes[0], 0);
      t.is(bytes[7], 0);
    }),
  );
});

test('zeros, broadcast and groups are no address of a station; locally administered ones are', (t) => {
  const why = (text: string): string | undefined => unusableAsSource(parseMac(text) ?? Number.NaN);
  t.regex(why('00:00:00:00:00:00') ?? '', /zeros/);
  t.regex(why('ff:ff:ff:ff:ff:ff') ?? '', /broadcast/);
  for (const group of ['01:00:5e:00:00:01', '33:33:00:00:00:01', 'fd:ff:ff:ff:ff:ff']) {
    t.regex(why(group) ?? '', /group/, group);
  }
  for (const one of ['00:00:00:00:00:01', '02:00:00:00:00:01', 'fe:ff:ff:ff:ff:ff', '00:11:22:33:44:55']) {
    t.is(why(one), undefined, one);
  }
});
