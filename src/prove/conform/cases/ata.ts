/** What holds for 28-bit and 48-bit commands alike, as cases of either family. */
import { AtaCommand, AtaError, AtaFlag, SECTOR } from '../../../wire/aoe/index.js';
import { type ConformCase, must, should } from '../case.js';
import { content, fresh } from '../content.js';
import type { Probe } from '../probe.js';

const GONE = AtaError.idNotFound | AtaError.aborted;

/** @param wide whether the commands are those of 48 bits */
export function ataCases(wide: boolean): ConformCase[] {
  const family = wide ? 'ata-48' : 'ata-28';
  const [readName, writeName, verifyName] = wide
    ? ['READ SECTORS EXT', 'WRITE SECTORS EXT', 'READ VERIFY SECTORS EXT']
    : ['READ SECTORS', 'WRITE SECTORS', 'READ VERIFY SECTORS'];
  const [readAt, writeAt, verifyAt] = wide
    ? ['ATA 6.28', 'ATA 6.63', 'ATA 6.32']
    : ['ATA 6.27', 'ATA 6.62', 'ATA 6.31'];
  const verify = (probe: Probe, lba: number, count: number) =>
    probe.to.ata({
      flags: wide ? AtaFlag.lba48 : 0,
      count,
      lba,
      cmdStatus: wide ? AtaCommand.verifyExt : AtaCommand.verify,
    });
  const reads = async (probe: Probe, lba: number, count: number) =>
    probe.sameBytes(
      await probe.read(lba, count, wide),
      content(lba, count),
      `sectors ${lba} to ${lba + count - 1}`,
    );
  const writes = async (probe: Probe, lba: number, count: number) => {
    const data = fresh(lba + 1, count);
    await probe.write(lba, data, wide);
    await probe.fileHolds(lba, data);
  };
  return [
    must(`${family}.Read.First`, `${readName} of sector 0 brings its data`, readAt, (probe) =>
      reads(probe, 0, 1),
    ),
    must(`${family}.Read.Last`, `${readName} of the last sector brings its data`, readAt, (probe) =>
      reads(probe, probe.sectors - 1, 1),
    ),
    must(`${family}.Read.Two`, `${readName} of 2 sectors brings both`, readAt, (probe) =>
      reads(probe, 77, 2),
    ),
    must(`${family}.Read.Most`, `${readName} of as many sectors as a frame may have`, readAt, (probe) =>
      reads(probe, 100, probe.most),
    ),
    must(`${family}.Read.LastMost`, `${readName} of a whole frame up to the end`, readAt, (probe) =>
      reads(probe, probe.sectors - probe.most, probe.most),
    ),
    must(`${family}.Read.ByteOrder`, 'The lowest byte of the LBA comes first', 'AoE 3.1', (probe) =>
      reads(probe, 0x0102, 1),
    ),
    must(
      `${family}.Read.Status`,
      'A read that was done has status DRDY and error 0',
      readAt,
      async (probe) => {
        const answer = await probe.ask(probe.to.read(3, 1, wide));
        probe.ataDone(answer);
        if (answer.kind !== 'ata') return;
        probe.equal(answer.ata.cmdStatus & 0xe9, 0x40, 'status');
        probe.equal(answer.ata.errFeature, 0, 'error register');
      },
    ),
    must(
      `${family}.Read.PastEnd`,
      `${readName} of the sector behind the last fails`,
      readAt,
      async (probe) => {
        probe.ataFailed(await probe.ask(probe.to.read(probe.sectors, 1, wide)), GONE);
      },
    ),
    must(
      `${family}.Read.AcrossEnd`,
      `${readName} that begins before and ends behind the last sector fails`,
      readAt,
      async (probe) => {
        probe.ataFailed(await probe.ask(probe.to.read(probe.sectors - 1, 2, wide)), GONE);
      },
    ),
    should(`${family}.Read.IdNotFound`, 'Past the end the error is IDNF', readAt, async (probe) => {
      probe.ataFailed(await probe.ask(probe.to.read(probe.sectors + 8, 1, wide)), AtaError.idNotFound);
    }),
    must(`${family}.Write.First`, `${writeName} of sector 0 reaches the file`, writeAt, (probe) =>
      writes(probe, 0, 1),
    ),
    must(`${family}.Write.Last`, `${writeName} of the last sector reaches the file`, writeAt, (probe) =>
      writes(probe, probe.sectors - 1, 1),
    ),
    must(`${family}.Write.Most`, `${writeName} of as many sectors as a frame may have`, writeAt, (probe) =>
      writes(probe, 200, probe.most),
    ),
    must(
      `${family}.Write.Neighbours`,
      `${writeName} changes nothing beside its sectors`,
      writeAt,
      async (probe) => {
        await writes(probe, 300, 2);
        await probe.fileHolds(0, content(0, 300));
        await probe.fileHolds(302, content(302, probe.sectors - 302));
      },
    ),
    must(`${family}.Write.ReadBack`, 'What was written is read back', writeAt, async (probe) => {
      const data = fresh(0x52, 2);
      await probe.write(512, data, wide);
      probe.sameBytes(await probe.read(512, 2, wide), data, 'sectors 512 and 513');
    }),
    must(`${family}.Write.Again`, 'A second write replaces the first', writeAt, async (probe) => {
      await probe.write(40, fresh(1, 1), wide);
      await probe.write(40, fresh(2, 1), wide);
      probe.sameBytes(await probe.read(40, 1, wide), fresh(2, 1), 'sector 40');
    }),
    must(
      `${family}.Write.Status`,
      'A write that was done has status DRDY and error 0',
      writeAt,
      async (probe) => {
        const answer = await probe.ask(probe.to.write(4, fresh(4, 1), wide));
        probe.ataDone(answer);
        if (answer.kind !== 'ata') return;
        probe.equal(answer.ata.cmdStatus & 0xe9, 0x40, 'status');
        probe.equal(answer.ata.errFeature, 0, 'error register');
      },
    ),
    should(
      `${family}.Write.AnswerShort`,
      'The answer to a write carries no data',
      'AoE 3.1',
      async (probe) => {
        const { bytes } = await probe.ask(probe.to.write(9, fresh(9, 2), wide));
        probe.isTrue(bytes.length < 36 + SECTOR, `${bytes.length} bytes`);
      },
    ),
    must(
      `${family}.Write.PastEnd`,
      `${writeName} behind the last sector fails and lets nothing grow`,
      writeAt,
      async (probe) => {
        const answer = await probe.ask(probe.to.write(probe.sectors, fresh(1, 1), wide));
        await probe.fileUntouched();
        probe.ataFailed(answer, GONE);
      },
    ),
    must(
      `${family}.Write.AcrossEnd`,
      `${writeName} across the end fails and writes nothing`,
      writeAt,
      async (probe) => {
        const answer = await probe.ask(probe.to.write(probe.sectors - 1, fresh(1, 2), wide));
        await probe.fileUntouched();
        probe.ataFailed(answer, GONE);
      },
    ),
    should(`${family}.Write.Async`, 'The asynchronous write flag is taken', 'AoE 3.1', async (probe) => {
      const flags = AtaFlag.write | AtaFlag.async | (wide ? AtaFlag.lba48 : 0);
      const cmdStatus = wide ? AtaCommand.writeSectorsExt : AtaCommand.writeSectors;
      const data = fresh(0x61, 1);
      probe.ataDone(await probe.ask(probe.to.ata({ flags, count: 1, cmdStatus, lba: 61 }, {}, data)));
      probe.sameBytes(await probe.read(61, 1, wide), data, 'sector 61');
    }),
    should(
      `${family}.Write.SurplusData`,
      'Sectors beyond the count are not written',
      'AoE 3.1',
      async (probe) => {
        const flags = AtaFlag.write | (wide ? AtaFlag.lba48 : 0);
        const cmdStatus = wide ? AtaCommand.writeSectorsExt : AtaCommand.writeSectors;
        const data = fresh(0x71, 2);
        await probe.ask(probe.to.ata({ flags, count: 1, cmdStatus, lba: 71 }, {}, data));
        await probe.fileHolds(72, content(72, 1));
      },
    ),
    should(
      `${family}.Verify.InRange`,
      `${verifyName} of sectors that are there is done`,
      verifyAt,
      async (probe) => {
        probe.ataDone(await probe.ask(verify(probe, 10, 2)));
      },
    ),
    should(`${family}.Verify.NoData`, `${verifyName} brings no data`, verifyAt, async (probe) => {
      const answer = await probe.ask(verify(probe, 10, 2));
      probe.isTrue(answer.kind === 'ata' && answer.data.length === 0, `${answer.bytes.length} bytes`);
    }),
    must(
      `${family}.Verify.PastEnd`,
      `${verifyName} behind the last sector fails`,
      verifyAt,
      async (probe) => {
        probe.ataFailed(await probe.ask(verify(probe, probe.sectors, 1)), GONE);
      },
    ),
    should(
      `${family}.Device.BitIgnored`,
      'The device/head bit makes no difference',
      'AoE 3.1',
      async (probe) => {
        const cmdStatus = wide ? AtaCommand.readSectorsExt : AtaCommand.readSectors;
        const flags = AtaFlag.device | (wide ? AtaFlag.lba48 : 0);
        probe.sameBytes(
          probe.data(await probe.ask(probe.to.ata({ flags, count: 1, cmdStatus, lba: 6 })), 1),
          content(6, 1),
          'sector 6',
        );
      },
    ),
    should(
      `${family}.Reserved.Ignored`,
      'The two reserved bytes make no difference',
      'AoE 3.1',
      async (probe) => {
        const request = probe.to.read(6, 1, wide);
        request.writeUInt16BE(0xa55a, 34);
        probe.sameBytes(probe.data(await probe.ask(request), 1), content(6, 1), 'sector 6');
      },
    ),
  ];
}
