import { AtaCommand, decodeIdentify, type Identify, LBA28_SECTORS } from '../../../wire/aoe/index.js';
import { type ConformCase, may, must, should } from '../case.js';
import type { DutExport } from '../dut.js';
import type { Probe } from '../probe.js';

const AT = 'ATA 6.17';

async function words(probe: Probe, of: DutExport = probe.dut.main): Promise<Buffer> {
  const request = probe.toExport(of).ata({ count: 1, cmdStatus: AtaCommand.identifyDevice });
  return probe.data(await probe.ask(request), 1);
}

async function fields(probe: Probe, of?: DutExport): Promise<Identify> {
  return decodeIdentify(await words(probe, of)) as Identify;
}

const word = (bytes: Buffer, index: number) => bytes.readUInt16LE(2 * index);

/** The characters of a text field, in reading order. */
const characters = (bytes: Buffer, index: number, length: number) =>
  Buffer.from(bytes.subarray(2 * index, 2 * index + length))
    .swap16()
    .toString('latin1');

const isText = (index: number, length: number, what: string) => async (probe: Probe) => {
  const text = characters(await words(probe), index, length);
  probe.isTrue(/^[ -~\0]*$/.test(text) && text.trim() !== '', `${what} is ${JSON.stringify(text)}`);
};

export const identify: ConformCase[] = [
  must('identify.Answer.Data', 'IDENTIFY DEVICE brings 512 bytes', AT, async (probe) => {
    await words(probe);
  }),
  must('identify.Answer.Status', 'IDENTIFY DEVICE has status DRDY and error 0', AT, async (probe) => {
    const answer = await probe.ask(probe.to.ata({ count: 1, cmdStatus: AtaCommand.identifyDevice }));
    if (answer.kind !== 'ata') return probe.fail(answer.kind);
    probe.equal(answer.ata.cmdStatus & 0xe9, 0x40, 'status');
    probe.equal(answer.ata.errFeature, 0, 'error register');
  }),
  must('identify.Answer.Stable', 'Two answers are alike', AT, async (probe) => {
    probe.sameBytes(await words(probe), await words(probe), 'the second answer');
  }),
  must('identify.Capacity.Bits28', 'Words 60-61 tell the sectors of a small device', AT, async (probe) => {
    probe.equal((await fields(probe)).lba28Sectors, probe.sectors, 'sectors for 28-bit commands');
  }),
  must('identify.Capacity.Bits48', 'Words 100-103 tell the sectors', AT, async (probe) => {
    probe.equal((await fields(probe)).lba48Sectors, probe.sectors, 'sectors for 48-bit commands');
  }),
  must(
    'identify.Capacity.BigBits28',
    'Words 60-61 of a large device tell 268,435,455',
    AT,
    async (probe) => {
      probe.equal(
        (await fields(probe, probe.big)).lba28Sectors,
        LBA28_SECTORS,
        'sectors for 28-bit commands',
      );
    },
    'big',
  ),
  must(
    'identify.Capacity.BigBits48',
    'Words 100-103 of a large device tell its sectors',
    AT,
    async (probe) => {
      probe.equal(
        (await fields(probe, probe.big)).lba48Sectors,
        probe.big.sectors,
        'sectors for 48-bit commands',
      );
    },
    'big',
  ),
  must('identify.Feature.Lba', 'Bit 9 of word 49: LBA', AT, async (probe) => {
    probe.isTrue((word(await words(probe), 49) & 0x0200) !== 0, 'the bit is clear');
  }),
  must(
    'identify.Feature.Lba48Supported',
    'Bit 10 of word 83: 48-bit commands are supported',
    AT,
    async (probe) => {
      probe.isTrue((word(await words(probe), 83) & 0x0400) !== 0, 'the bit is clear');
    },
  ),
  should(
    'identify.Feature.Lba48Enabled',
    'Bit 10 of word 86: 48-bit commands are enabled',
    AT,
    async (probe) => {
      probe.isTrue((word(await words(probe), 86) & 0x0400) !== 0, 'the bit is clear');
    },
  ),
  should('identify.Feature.Word83Valid', 'Bits 15-14 of word 83 are 01', AT, async (probe) => {
    probe.equal(word(await words(probe), 83) >> 14, 1, 'bits 15-14');
  }),
  must('identify.Feature.AtaDevice', 'Bit 15 of word 0 is clear: an ATA device', AT, async (probe) => {
    probe.equal(word(await words(probe), 0) & 0x8000, 0, 'bit 15');
  }),
  may(
    'identify.Feature.FlushClaimed',
    'Bits 12 and 13 of word 83 claim the flushes that are done',
    AT,
    async (probe) => {
      const bits = word(await words(probe), 83);
      for (const [cmdStatus, bit] of [
        [AtaCommand.flushCache, 12],
        [AtaCommand.flushCacheExt, 13],
      ] as const) {
        const answer = await probe.ask(probe.to.ata({ flags: bit === 13 ? 0x40 : 0, cmdStatus }));
        const done = !probe.isRefusal(answer);
        probe.equal((bits >> bit) & 1, Number(done), `bit ${bit} of word 83`);
      }
    },
  ),
  must(
    'identify.Text.Model',
    'The model is text, its bytes swapped in pairs',
    AT,
    isText(27, 40, 'the model'),
  ),
  must('identify.Text.Serial', 'The serial number is text', AT, isText(10, 20, 'the serial number')),
  must('identify.Text.Firmware', 'The firmware revision is text', AT, isText(23, 8, 'the firmware revision')),
  should('identify.Text.Spaces', 'Texts are padded with spaces', AT, async (probe) => {
    const bytes = await words(probe);
    for (const [index, length] of [
      [10, 20],
      [23, 8],
      [27, 40],
    ] as const) {
      const text = characters(bytes, index, length);
      probe.isTrue(!text.includes('\0'), `words from ${index} on: ${JSON.stringify(text)}`);
    }
  }),
  should(
    'identify.Text.SerialDiffers',
    'Each export has a serial number of its own',
    AT,
    async (probe) => {
      const [one, other] = [await fields(probe), await fields(probe, probe.big)];
      probe.isTrue(one.serial !== other.serial, `both are ${JSON.stringify(one.serial)}`);
    },
    'big',
  ),
  must(
    'identify.ReadOnly.Answered',
    'A read-only export can be identified',
    AT,
    async (probe) => {
      probe.equal((await fields(probe, probe.readOnly)).lba48Sectors, probe.readOnly.sectors, 'sectors');
    },
    'readOnly',
  ),
];
