import { AtaCommand, AtaFlag } from '../../../wire/aoe/index.js';
import { type ConformCase, must, should } from '../case.js';
import { fresh } from '../content.js';
import type { DutExport } from '../dut.js';
import type { Probe } from '../probe.js';

const flush = (probe: Probe, wide: boolean, of: DutExport = probe.dut.main, count = 0) =>
  probe.toExport(of).ata({
    flags: wide ? AtaFlag.lba48 : 0,
    count,
    cmdStatus: wide ? AtaCommand.flushCacheExt : AtaCommand.flushCache,
  });

const cases = (suite: string, name: string, section: string, wide: boolean): ConformCase[] => [
  should(`flush.${suite}.Done`, `${name} is done`, section, async (probe) => {
    probe.ataDone(await probe.ask(flush(probe, wide)));
  }),
  should(`flush.${suite}.Ready`, `${name} ends with DRDY in the status`, section, async (probe) => {
    const answer = await probe.ask(flush(probe, wide));
    probe.ataDone(answer);
    if (answer.kind === 'ata') probe.equal(answer.ata.cmdStatus & 0x40, 0x40, 'DRDY');
  }),
  must(`flush.${suite}.Answered`, `${name} is answered, be it refused`, section, async (probe) => {
    await probe.ask(flush(probe, wide));
  }),
  must(`flush.${suite}.NoData`, `${name} brings no data`, section, async (probe) => {
    const answer = await probe.ask(flush(probe, wide));
    probe.isTrue(answer.kind === 'ata' && answer.data.length === 0, `${answer.bytes.length} bytes`);
  }),
  should(
    `flush.${suite}.CountIgnored`,
    `${name} takes no heed of the sector count`,
    section,
    async (probe) => {
      const answer = await probe.ask(flush(probe, wide, undefined, 1));
      probe.ataDone(answer);
      probe.isTrue(answer.kind === 'ata' && answer.data.length === 0, `${answer.bytes.length} bytes`);
    },
  ),
  should(
    `flush.${suite}.AfterWrite`,
    `${name} after a write is done, and the data is in the file`,
    section,
    async (probe) => {
      await probe.write(700, fresh(0x70, 2));
      probe.ataDone(await probe.ask(flush(probe, wide)));
      await probe.fileHolds(700, fresh(0x70, 2));
    },
  ),
  should(
    `flush.${suite}.ReadOnly`,
    `${name} of a read-only export is done`,
    section,
    async (probe) => {
      probe.ataDone(await probe.ask(flush(probe, wide, probe.readOnly)));
    },
    'readOnly',
  ),
];

export const flushes: ConformCase[] = [
  ...cases('Cache', 'FLUSH CACHE', 'ATA 6.14', false),
  ...cases('CacheExt', 'FLUSH CACHE EXT', 'ATA 6.15', true),
];
