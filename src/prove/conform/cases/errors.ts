import { AoeError, AtaCommand, AtaError, AtaFlag, HeaderFlag, SECTOR } from '../../../wire/aoe/index.js';
import { type ConformCase, may, must, should } from '../case.js';
import { content, fresh } from '../content.js';
import type { Probe } from '../probe.js';

const BODY = Buffer.alloc(36, 1);

const unrecognised = (command: number) => async (probe: Probe) => {
  probe.aoeError(await probe.ask(probe.to.raw(command, BODY)), AoeError.unrecognisedCommand);
};

const aborted =
  (cmdStatus: number, errFeature = 0) =>
  async (probe: Probe) => {
    probe.ataFailed(await probe.ask(probe.to.ata({ cmdStatus, errFeature })), AtaError.aborted);
  };

const refusedWrite = (wide: boolean) => async (probe: Probe) => {
  const { readOnly } = probe;
  probe.refused(await probe.ask(probe.toExport(readOnly).write(10, fresh(10, 1), wide)));
};

export const errors: ConformCase[] = [
  must('errors.Command.Four', 'Command 4 is answered with error 1', 'AoE 2.6', unrecognised(4)),
  must('errors.Command.Middle', 'Command 0x80 is answered with error 1', 'AoE 2.6', unrecognised(0x80)),
  must('errors.Command.LastReserved', 'Command 0xEF is answered with error 1', 'AoE 2.6', unrecognised(0xef)),
  should(
    'errors.Command.Vendor',
    "A vendor's command that it does not know is answered with error 1",
    'AoE 2.6',
    unrecognised(0xf0),
  ),
  should('errors.Command.VendorLast', 'Command 0xFF is answered with error 1', 'AoE 2.6', unrecognised(0xff)),
  must('errors.Answer.CommandAndTag', 'An error repeats command and tag', 'AoE 2.4', async (probe) => {
    const { header } = await probe.ask(probe.to.raw(0x77, BODY, { tag: 0x7766_5544 }));
    probe.equal(header.command, 0x77, 'command');
    probe.equal(header.tag, 0x7766_5544, 'tag');
  }),
  must('errors.Answer.Flags', 'An error has the response and the error flag', 'AoE 2.3', async (probe) => {
    const { header } = await probe.ask(probe.to.raw(0x77, BODY));
    probe.equal(header.flags & 0xc, HeaderFlag.response | HeaderFlag.error, 'flags');
  }),
  must('errors.Answer.Address', "An error bears the target's address", 'AoE 2.5', async (probe) => {
    const { header } = await probe.ask(probe.to.raw(0x77, BODY));
    probe.equal(`${header.major}.${header.minor}`, probe.name.slice(1), 'shelf and slot');
  }),
  must('errors.Answer.CodeNotZero', 'The error flag comes with an error code', 'AoE 2.4', async (probe) => {
    const { header } = await probe.ask(probe.to.config(9, 'x'));
    if (header.flags & HeaderFlag.error)
      probe.isTrue(header.error >= 1 && header.error <= 6, `error code ${header.error}`);
  }),
  must('errors.Ata.Unknown', 'An unknown ATA command is aborted', 'ATA 6.1', aborted(0xff)),
  must('errors.Ata.Packet', 'IDENTIFY PACKET DEVICE of a disk is aborted', 'ATA 6.18', aborted(0xa1)),
  should('errors.Ata.Nop', 'NOP is aborted', 'ATA 6.23', aborted(0x00)),
  may('errors.Ata.Smart', 'SMART is answered, be it aborted', 'ATA 6.53', async (probe) => {
    const answer = await probe.ask(
      probe.to.ata({ cmdStatus: AtaCommand.smart, errFeature: 0xd8, lba: 0xc24f00 }),
    );
    probe.noError(answer);
    probe.isTrue(answer.kind === 'ata', answer.kind);
  }),
  must(
    'errors.Ata.NotOfAoe',
    "A failed ATA command is told in its status, not by an error of AoE's",
    'AoE 3.1',
    async (probe) => {
      const answer = await probe.ask(probe.to.read(probe.sectors, 1));
      probe.noError(answer);
      if (answer.kind === 'ata') probe.equal(answer.ata.cmdStatus & 0x41, 0x41, 'status');
    },
  ),
  must('errors.Ata.NoData', 'A failed read brings no data', 'AoE 3.1', async (probe) => {
    const answer = await probe.ask(probe.to.read(probe.sectors + 1, 1));
    if (answer.kind !== 'ata' || answer.data.length === 0) return;
    probe.isTrue(answer.data.equals(Buffer.alloc(SECTOR)), 'an answer with bytes that were not asked for');
  }),
  must('errors.Ata.NextServed', 'After an error the next request is served', 'AoE 3.1', async (probe) => {
    await probe.ask(probe.to.read(probe.sectors, 1));
    probe.sameBytes(await probe.read(0, 1), content(0, 1), 'sector 0');
  }),
  must(
    'errors.ReadOnly.Write28',
    'A write to a read-only export is refused',
    'AoE 3.1',
    refusedWrite(false),
    'readOnly',
  ),
  must(
    'errors.ReadOnly.Write48',
    'A 48-bit write to a read-only export is refused',
    'AoE 3.1',
    refusedWrite(true),
    'readOnly',
  ),
  must(
    'errors.ReadOnly.Unchanged',
    'A write to a read-only export changes nothing',
    'AoE 3.1',
    async (probe) => {
      const { readOnly } = probe;
      const to = probe.toExport(readOnly);
      await probe.untilQuiet(to.write(10, fresh(10, 1)), to.write(0, fresh(10, 1), false));
      probe.sameBytes(
        await probe.dut.readBacking(readOnly, 0, 16),
        content(0, 16),
        'sectors 0 to 15 of the file',
      );
    },
    'readOnly',
  ),
  must(
    'errors.ReadOnly.ReadServed',
    'A read-only export is read',
    'AoE 3.1',
    async (probe) => {
      const answer = await probe.ask(probe.toExport(probe.readOnly).read(33, 2));
      probe.sameBytes(probe.data(answer, 2), content(33, 2), 'sectors 33 and 34');
    },
    'readOnly',
  ),
  should(
    'errors.ReadOnly.Async',
    'An asynchronous write to a read-only export is refused',
    'AoE 3.1',
    async (probe) => {
      const flags = AtaFlag.write | AtaFlag.async | AtaFlag.lba48;
      const ata = { flags, count: 1, cmdStatus: AtaCommand.writeSectorsExt, lba: 10 };
      probe.refused(await probe.ask(probe.toExport(probe.readOnly).ata(ata, {}, fresh(10, 1))));
    },
    'readOnly',
  ),
];
