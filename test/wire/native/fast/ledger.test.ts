/** Who was heard before, and what each has cost. */
import test from 'ava';
import fc from 'fast-check';
import { Ledger } from '../../../../src/wire/native/fast/ledger.js';
import { STRANGERS } from '../../../../src/wire/native/strangers.js';

/** The words of a frame from an address. */
function spend(ledger: Ledger, mac: number, cost: number): void {
  const bytes = Buffer.alloc(6);
  bytes.writeUIntBE(mac, 0, 6);
  ledger.spend((bytes.readUInt16LE(0) << 16) >>> 0, bytes.readUInt32LE(2), cost);
}

const address = fc.integer({ min: 1, max: 0xffff_ffff_ffff });

test('4: a station is a stranger until it was heard in three spans', (t) => {
  fc.assert(
    fc.property(address, fc.integer({ min: 1, max: 20 }), (mac, frames) => {
      const ledger = new Ledger();
      for (let span = 1; span <= 5; span++) {
        for (let frame = 0; frame < frames; frame++) spend(ledger, mac, 2);
        const who = span < 3 ? STRANGERS : mac;
        t.deepEqual([...ledger.close()], [[who, { cost: 2 * frames, frames }]]);
      }
      t.deepEqual(ledger.familiar(), [mac]);
    }),
    { numRuns: 30 },
  );
});

test('4: nothing that was spent is lost, whoever spent it; addresses that come once are nobody', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.uniqueArray(address, { maxLength: 200 }), { minLength: 1, maxLength: 6 }),
      (spans) => {
        const ledger = new Ledger();
        const once = new Set<number>();
        for (const macs of spans) {
          const fresh = macs.filter((mac) => !once.has(mac));
          for (const mac of fresh) {
            once.add(mac);
            spend(ledger, mac, 1);
          }
          const spent = ledger.close();
          t.true([...spent.keys()].every((mac) => mac === STRANGERS));
          t.is(spent.get(STRANGERS)?.frames ?? 0, fresh.length);
          t.is(spent.get(STRANGERS)?.cost ?? 0, fresh.length);
        }
        t.deepEqual(ledger.familiar(), []);
      },
    ),
    { numRuns: 30 },
  );
});

test('4: one that is heard stays known though others of its number are heard now and then', (t) => {
  const ledger = new Ledger();
  const mac = 0x02_00_00_00_00_01;
  for (let span = 0; span < 300; span++) {
    spend(ledger, mac, 1);
    // Thousands of addresses: some have its number, and those after it count as its.
    for (let other = 0; other < 1000; other++) spend(ledger, 0x06_00_00_00_00_00 + span * 1000 + other, 1);
    ledger.close();
  }
  t.deepEqual(ledger.familiar(), [mac]);
});
