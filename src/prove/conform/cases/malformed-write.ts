import { AtaCommand, AtaFlag } from '../../../wire/aoe/index.js';
import { type ConformCase, must, should } from '../case.js';
import { fresh } from '../content.js';

const WRITE = AtaFlag.write | AtaFlag.lba48;
const { writeSectorsExt, writeSectors } = AtaCommand;

export const malformedWrites: ConformCase[] = [
  must('malformed.Write.NoData', 'A write without its data changes nothing', 'AoE 3.1', async (probe) => {
    await probe.refusedOrSilent(
      probe.to.ata({ flags: WRITE, count: 2, cmdStatus: writeSectorsExt, lba: 12 }),
    );
    await probe.fileUntouched();
  }),
  must(
    'malformed.Write.HalfData',
    'A write with half of its data changes nothing',
    'AoE 3.1',
    async (probe) => {
      await probe.refusedOrSilent(
        probe.to.ata({ flags: WRITE, count: 2, cmdStatus: writeSectorsExt, lba: 12 }, {}, fresh(1, 1)),
      );
      await probe.fileUntouched();
    },
  ),
  must(
    'malformed.Write.HalfSector',
    'A write with half a sector changes nothing',
    'AoE 3.1',
    async (probe) => {
      const ata = { flags: AtaFlag.write, count: 1, cmdStatus: writeSectors, lba: 12 };
      await probe.refusedOrSilent(probe.to.ata(ata, {}, fresh(1, 1).subarray(0, 256)));
      await probe.fileUntouched();
    },
  ),
  should(
    'malformed.Write.NoDataAnswered',
    'A write without its data is answered with an error',
    'AoE 2.4',
    async (probe) => {
      probe.refused(
        await probe.ask(probe.to.ata({ flags: WRITE, count: 2, cmdStatus: writeSectorsExt, lba: 12 })),
      );
    },
  ),
  must(
    'malformed.Write.Count255',
    'A write of 255 sectors without their data changes nothing',
    'AoE 3.1',
    async (probe) => {
      await probe.refusedOrSilent(
        probe.to.ata({ flags: WRITE, count: 255, cmdStatus: writeSectorsExt, lba: 12 }),
        probe.to.ata({ flags: WRITE, count: 255, cmdStatus: writeSectorsExt, lba: 12 }, {}, fresh(1, 2)),
      );
      await probe.fileUntouched();
    },
  ),
  must(
    'malformed.Write.LeftoverData',
    'A write without data does not write that of an earlier frame',
    'AoE 3.1',
    async (probe) => {
      await probe.write(20, fresh(0x20, 2));
      await probe.untilQuiet(probe.to.ata({ flags: WRITE, count: 2, cmdStatus: writeSectorsExt, lba: 30 }));
      const there = await probe.dut.readBacking(probe.dut.main, 30, 2);
      probe.isTrue(
        !there.includes(fresh(0x20, 1).subarray(8, 200)),
        'the data of the frame before was written',
      );
    },
  ),
];
