import { AtaError, LBA28_SECTORS } from '../../../wire/aoe/index.js';
import { type ConformCase, must } from '../case.js';
import { content, fresh } from '../content.js';
import type { Probe } from '../probe.js';
import { ataCases } from './ata.js';

const GONE = AtaError.idNotFound | AtaError.aborted;

const beyond = (lba: number) => async (probe: Probe) => {
  probe.ataFailed(await probe.ask(probe.to.read(lba, 1)), GONE);
};

const readsBig = (lba: (probe: Probe) => number, mark: number) => async (probe: Probe) => {
  const at = lba(probe);
  await probe.dut.writeBacking(probe.big, at, fresh(mark, 1));
  probe.sameBytes(
    probe.data(await probe.ask(probe.toExport(probe.big).read(at, 1)), 1),
    fresh(mark, 1),
    `sector ${at}`,
  );
};

export const ata48: ConformCase[] = [
  ...ataCases(true),
  must('ata-48.Lba.Bit28', 'Bit 28 of the LBA counts', 'ATA 6.28', beyond(2 ** 28)),
  must('ata-48.Lba.Bit32', 'Bit 32 of the LBA counts', 'ATA 6.28', beyond(2 ** 32)),
  must('ata-48.Lba.Bit40', 'Bit 40 of the LBA counts', 'ATA 6.28', beyond(2 ** 40)),
  must('ata-48.Lba.Bit47', 'Bit 47 of the LBA counts', 'ATA 6.28', beyond(2 ** 47)),
  must(
    'ata-48.Lba.Highest',
    'A read at the highest LBA fails rather than wraps',
    'ATA 6.28',
    async (probe) => {
      probe.ataFailed(await probe.ask(probe.to.read(2 ** 48 - 1, 2)), GONE);
    },
  ),
  must(
    'ata-48.Lba.HighestWrite',
    'A write at the highest LBA fails and changes nothing',
    'ATA 6.63',
    async (probe) => {
      const answer = await probe.ask(probe.to.write(2 ** 48 - 1, fresh(1, 2)));
      await probe.fileUntouched();
      probe.ataFailed(answer, GONE);
    },
  ),
  must(
    'ata-48.Lba.HighWrite',
    'A write far behind the end fails and lets nothing grow',
    'ATA 6.63',
    async (probe) => {
      const answer = await probe.ask(probe.to.write(2 ** 32 + 5, fresh(1, 1)));
      await probe.fileUntouched();
      probe.ataFailed(answer, GONE);
    },
  ),
  must(
    'ata-48.Big.Above28Bits',
    'Sectors beyond 28 bits are read',
    'ATA 6.28',
    readsBig(() => LBA28_SECTORS + 17, 0x48),
    'big',
  ),
  must(
    'ata-48.Big.Last',
    'The last sector of a large device is read',
    'ATA 6.28',
    readsBig((probe) => probe.big.sectors - 1, 0x49),
    'big',
  ),
  must(
    'ata-48.Big.Write',
    'Sectors beyond 28 bits are written',
    'ATA 6.63',
    async (probe) => {
      const lba = LBA28_SECTORS + 99;
      probe.ataDone(await probe.ask(probe.toExport(probe.big).write(lba, fresh(0x4a, 2))));
      probe.sameBytes(
        await probe.dut.readBacking(probe.big, lba, 2),
        fresh(0x4a, 2),
        `sectors at ${lba} of the file`,
      );
    },
    'big',
  ),
  must(
    'ata-48.Big.PastEnd',
    'Behind the end of a large device a read fails',
    'ATA 6.28',
    async (probe) => {
      probe.ataFailed(await probe.ask(probe.toExport(probe.big).read(probe.big.sectors, 1)), GONE);
    },
    'big',
  ),
  must(
    'ata-48.Mixed.Same',
    '28-bit and 48-bit commands reach the same sectors',
    'ATA 6.28',
    async (probe) => {
      await probe.write(90, fresh(0x5a, 1), false);
      probe.sameBytes(await probe.read(90, 1, true), fresh(0x5a, 1), 'sector 90');
      probe.sameBytes(await probe.read(91, 1, true), content(91, 1), 'sector 91');
    },
  ),
];
