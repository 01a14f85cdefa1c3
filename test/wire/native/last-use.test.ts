/** What counts as use of an export by an initiator. */
import test from 'ava';
import { AtaCommand, AtaFlag } from '../../../src/wire/aoe/index.js';
import { LastUse } from '../../../src/wire/native/last-use.js';
import { ata, config, table } from './bench-top.js';

test('N12: what a search asks for is no use: queries, identify, and reads at the first sector', async (t) => {
  const { served, ask } = table();
  const use = new LastUse();
  const read = (lba: number, count = 1) => ata(AtaCommand.readSectors, 0, { lba, count });
  await ask(config(0), ata(AtaCommand.identifyDevice, 0), read(0, 2), read(0, 1));
  t.is(served.counters.reads, 2);
  t.is(use.look(served, 1000), undefined);
  await ask(read(1));
  t.is(use.look(served, 2000), 2000);
  await ask(read(0));
  t.is(use.look(served, 3000), 2000);
});

for (const [what, request] of [
  ['a write', ata(AtaCommand.writeSectors, AtaFlag.write, { data: Buffer.alloc(512) })],
  ['a flush', ata(AtaCommand.flushCache, 0)],
] as const) {
  test(`N12: ${what} is use`, async (t) => {
    const { served, ask } = table();
    const use = new LastUse();
    t.is(use.look(served, 1000), undefined);
    await ask(request);
    t.is(use.look(served, 2000), 2000);
  });
}
