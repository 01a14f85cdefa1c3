import { AtaCommand, AtaFlag, Command } from '../../../wire/aoe/index.js';
import { type ConformCase, must, should } from '../case.js';
import { fresh } from '../content.js';
import { harmless } from './malformed-harmless.js';

const WRITE = AtaFlag.write | AtaFlag.lba48;
const { writeSectorsExt, readSectorsExt, identifyDevice } = AtaCommand;

export const malformedAta: ConformCase[] = [
  must(
    'malformed.Ata.WriteFlagOnRead',
    'A read with the write flag does no harm',
    'AoE 3.1',
    harmless((probe) => [
      probe.to.ata({ flags: WRITE, count: 1, cmdStatus: readSectorsExt, lba: 3 }, {}, fresh(1, 1)),
      probe.to.ata({ flags: WRITE, count: 2, cmdStatus: readSectorsExt, lba: 3 }),
    ]),
  ),
  must(
    'malformed.Ata.WriteWithoutFlag',
    'A write without the write flag and without data changes nothing',
    'AoE 3.1',
    async (probe) => {
      await probe.untilQuiet(
        probe.to.ata({ flags: AtaFlag.lba48, count: 1, cmdStatus: writeSectorsExt, lba: 3 }),
      );
      await probe.fileUntouched();
    },
  ),
  must(
    'malformed.Ata.AllOnes',
    'An ATA section of ones does no harm',
    'AoE 3.1',
    harmless((probe) => [
      probe.to.raw(Command.ata, Buffer.alloc(36, 0xff)),
      probe.to.raw(Command.ata, Buffer.alloc(1400, 0xff)),
    ]),
  ),
  must(
    'malformed.Ata.IdentifyCount0',
    'IDENTIFY DEVICE with a count of 0 does no harm',
    'ATA 6.17',
    harmless((probe) => [probe.to.ata({ count: 0, cmdStatus: identifyDevice })]),
  ),
  should(
    'malformed.Ata.IdentifyCountIgnored',
    'IDENTIFY DEVICE takes no heed of the count',
    'ATA 6.17',
    async (probe) => {
      for (const count of [0, 2])
        probe.data(await probe.ask(probe.to.ata({ count, cmdStatus: identifyDevice })), 1);
    },
  ),
  must(
    'malformed.Ata.IdentifyCount255',
    'IDENTIFY DEVICE with a count of 255 brings no foreign bytes',
    'ATA 6.17',
    async (probe) => {
      for (const answer of await probe.untilQuiet(probe.to.ata({ count: 255, cmdStatus: identifyDevice }))) {
        if (answer.kind === 'ata' && !probe.isRefusal(answer))
          probe.equal(answer.data.length, 512, 'bytes of data');
      }
    },
  ),
  must(
    'malformed.Ata.EveryCommand',
    'All 256 ATA commands with no data do no harm',
    'AoE 3.1',
    harmless((probe) =>
      Array.from({ length: 256 }, (_, cmdStatus) =>
        probe.to.ata({ cmdStatus, flags: AtaFlag.lba48, lba: 2 ** 47, count: 1 }),
      ),
    ),
  ),
];
