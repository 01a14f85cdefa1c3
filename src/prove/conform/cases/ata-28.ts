import { AtaCommand, AtaError, LBA28_SECTORS } from '../../../wire/aoe/index.js';
import { type ConformCase, must, should } from '../case.js';
import { fresh } from '../content.js';
import { ataCases } from './ata.js';

const GONE = AtaError.idNotFound | AtaError.aborted;

export const ata28: ConformCase[] = [
  ...ataCases(false),
  must(
    'ata-28.Lba.NoWrap',
    'The highest LBA of 28 bits does not come round to the first sectors',
    'ATA 6.27',
    async (probe) => {
      probe.ataFailed(await probe.ask(probe.to.read(LBA28_SECTORS, 1, false)), GONE);
    },
  ),
  must(
    'ata-28.Lba.HighOfBig',
    'READ SECTORS reaches up to 128 GiB of a larger device',
    'ATA 6.27',
    async (probe) => {
      const lba = LBA28_SECTORS - 1;
      await probe.dut.writeBacking(probe.big, lba, fresh(0x28, 1));
      const answer = await probe.ask(probe.toExport(probe.big).read(lba, 1, false));
      probe.sameBytes(probe.data(answer, 1), fresh(0x28, 1), `sector ${lba}`);
    },
    'big',
  ),
  must('ata-28.Power.Check', 'CHECK POWER MODE is done', 'ATA 6.9', async (probe) => {
    probe.ataDone(await probe.ask(probe.to.ata({ cmdStatus: AtaCommand.checkPowerMode })));
  }),
  should(
    'ata-28.Power.Active',
    'CHECK POWER MODE tells 0xFF in the sector count: active or idle',
    'ATA 6.9',
    async (probe) => {
      const answer = await probe.ask(probe.to.ata({ cmdStatus: AtaCommand.checkPowerMode }));
      probe.ataDone(answer);
      if (answer.kind === 'ata') probe.equal(answer.ata.count, 0xff, 'sector count');
    },
  ),
];
