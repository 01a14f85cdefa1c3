import {
  AoeError,
  AtaCommand,
  MaskCommand,
  MaskDirectiveCommand,
  MaskError,
} from '../../../wire/aoe/index.js';
import { type ConformCase, must, should } from '../case.js';
import { OTHER, type Probe, THIRD } from '../probe.js';

const AOE = 'AoE 3.3';
const { add, delete: remove, none } = MaskDirectiveCommand;
const at = (index: number) => 0x02_00_00_0b_00_00 + index;

const edit = (probe: Probe, ...directives: (readonly [number, number])[]) =>
  probe.to.mask(
    MaskCommand.edit,
    directives.map(([dcmd, mac]) => ({ dcmd, mac })),
  );

const list = async (probe: Probe) => probe.maskList(await probe.ask(probe.to.mask(MaskCommand.read)));

/** Edits, and makes sure that we are heard again afterwards. */
async function change(probe: Probe, ...directives: (readonly [number, number])[]) {
  return probe.ask(edit(probe, ...directives));
}

const masked = (name: string, rule: string, run: ConformCase['run'], severity = must) =>
  severity(`masks.${name}`, rule, AOE, run, 'masks');

export const masks: ConformCase[] = [
  must('masks.Read.Answered', 'The MAC mask list can be read', AOE, async (probe) => {
    probe.maskList(await probe.ask(probe.to.mask(MaskCommand.read)));
  }),
  masked('Read.Empty', 'A list that was never edited is empty', async (probe) => {
    probe.sameList(await list(probe), [], 'list');
  }),
  masked('Read.Subcommand', 'The answer repeats the subcommand', async (probe) => {
    const answer = await probe.ask(probe.to.mask(MaskCommand.read));
    if (answer.kind === 'mask') probe.equal(answer.mask.mcmd, MaskCommand.read, 'subcommand');
  }),
  masked('Read.DirectivesIgnored', 'A read changes nothing, whatever directives it has', async (probe) => {
    await probe.ask(probe.to.mask(MaskCommand.read, [{ dcmd: add, mac: OTHER }]));
    probe.sameList(await list(probe), [], 'list');
  }),
  masked('Add.Own', 'An address is added', async (probe) => {
    await change(probe, [add, probe.own]);
    probe.sameList(await list(probe), [probe.own], 'list');
  }),
  masked('Add.Answer', 'The answer to an edit bears the whole list', async (probe) => {
    probe.sameList(
      probe.maskList(await change(probe, [add, probe.own], [add, OTHER])),
      [probe.own, OTHER],
      'list',
    );
  }),
  masked('Add.Subcommand', 'The answer to an edit repeats the subcommand', async (probe) => {
    const answer = await change(probe, [add, probe.own]);
    if (answer.kind === 'mask') probe.equal(answer.mask.mcmd, MaskCommand.edit, 'subcommand');
  }),
  masked('Add.Several', 'Several addresses are added by one frame', async (probe) => {
    await change(probe, [add, probe.own], [add, OTHER], [add, THIRD]);
    probe.sameList(await list(probe), [probe.own, OTHER, THIRD], 'list');
  }),
  masked('Add.Twice', 'An address that is there already is no error and stays once', async (probe) => {
    await change(probe, [add, probe.own]);
    probe.sameList(probe.maskList(await change(probe, [add, probe.own])), [probe.own], 'list');
  }),
  masked('Delete.One', 'An address is deleted', async (probe) => {
    await change(probe, [add, probe.own], [add, OTHER]);
    await change(probe, [remove, OTHER]);
    probe.sameList(await list(probe), [probe.own], 'list');
  }),
  masked('Delete.Unknown', 'Deleting an address that is not there is no error', async (probe) => {
    await change(probe, [add, probe.own]);
    probe.sameList(probe.maskList(await change(probe, [remove, THIRD])), [probe.own], 'list');
  }),
  masked('Delete.Last', 'When the last address is deleted everybody is served again', async (probe) => {
    await change(probe, [add, probe.own]);
    await change(probe, [remove, probe.own]);
    probe.noError(await probe.ask(probe.to.config(0, '', { source: OTHER })));
  }),
  masked('Directive.None', 'A directive of none changes nothing', async (probe) => {
    await change(probe, [add, probe.own], [none, OTHER]);
    probe.sameList(await list(probe), [probe.own], 'list');
  }),
  masked('Directive.Order', 'Directives are carried out in their order', async (probe) => {
    await change(probe, [add, probe.own], [add, OTHER], [remove, OTHER], [remove, THIRD], [add, THIRD]);
    probe.sameList(await list(probe), [probe.own, THIRD], 'list');
  }),
  masked('Directive.Bad', 'An unknown directive is answered with mask error 2', async (probe) => {
    probe.maskError(await change(probe, [add, probe.own], [9, OTHER]), MaskError.badDirective);
  }),
  masked('Directive.BadNotAdded', 'The address of an unknown directive is not added', async (probe) => {
    await change(probe, [add, probe.own], [9, OTHER]);
    probe.isTrue(!(await list(probe)).includes(OTHER), 'it is in the list');
  }),
  masked('List.Many', '100 addresses are kept', async (probe) => {
    const macs = [probe.own, ...Array.from({ length: 99 }, (_, index) => at(index))];
    await change(probe, ...macs.map((mac) => [add, mac] as const));
    probe.sameList(await list(probe), macs, 'list');
  }),
  must(
    'masks.List.Full',
    'When no more can be kept, an edit is answered with mask error 3',
    AOE,
    async (probe) => {
      const macs = [probe.own, ...Array.from({ length: 254 }, (_, index) => at(index))];
      const first = await change(probe, ...macs.map((mac) => [add, mac] as const));
      // Fewer than 255 may be too many; the answer counts at most 255.
      if (first.kind === 'mask' && first.mask.merror !== 0) return probe.maskError(first, MaskError.listFull);
      const second = await change(
        probe,
        ...Array.from({ length: 10 }, (_, index) => [add, at(1000 + index)] as const),
      );
      probe.maskError(second, MaskError.listFull);
    },
    'masks',
  ),
  masked('Served.Listed', 'Whoever is listed is served', async (probe) => {
    await change(probe, [add, probe.own], [add, OTHER]);
    probe.data(await probe.ask(probe.to.read(0, 1, true, { source: OTHER })), 1);
  }),
  masked('Served.UnlistedConfig', 'Queries of those not listed are not answered', async (probe) => {
    await change(probe, [add, probe.own]);
    await probe.silent(probe.to.config(0, '', { source: OTHER }));
  }),
  masked('Served.UnlistedAta', 'ATA commands of those not listed are not answered', async (probe) => {
    await change(probe, [add, probe.own]);
    const identify = probe.to.ata({ count: 1, cmdStatus: AtaCommand.identifyDevice }, { source: OTHER });
    await probe.silent(probe.to.read(0, 1, true, { source: OTHER }), identify);
  }),
  masked('Served.UnlistedWrite', 'Writes of those not listed change nothing', async (probe) => {
    await change(probe, [add, probe.own]);
    await probe.silent(probe.to.write(0, Buffer.alloc(512, 0xdd), true, { source: OTHER }));
    await probe.fileUntouched();
  }),
  masked('Served.UnlistedEdit', 'Those not listed can not add themselves', async (probe) => {
    await change(probe, [add, probe.own]);
    await probe.silent(probe.to.mask(MaskCommand.edit, [{ dcmd: add, mac: OTHER }], { source: OTHER }));
    probe.sameList(await list(probe), [probe.own], 'list');
  }),
  masked('Served.OtherExport', 'A list belongs to one export', async (probe) => {
    await change(probe, [add, probe.own]);
    probe.noError(await probe.ask(probe.toExport(probe.big).config(0, '', { source: OTHER })));
  }),
  masked('Subcommand.Unknown', 'An unknown subcommand is answered with error 2', async (probe) => {
    probe.aoeError(await probe.ask(probe.to.mask(7)), AoeError.badArgument);
  }),
  masked('Subcommand.UnknownKeeps', 'An unknown subcommand changes nothing', async (probe) => {
    await probe.untilQuiet(probe.to.mask(7, [{ dcmd: add, mac: OTHER }]));
    probe.sameList(await list(probe), [], 'list');
  }),
  should(
    'masks.Answer.ReservedZero',
    'The reserved bytes of an answer are zero',
    AOE,
    async (probe) => {
      const { bytes } = await change(probe, [add, probe.own]);
      probe.equal(bytes[24], 0, 'reserved byte');
      probe.equal(bytes[28], 0, 'reserved byte of the directive');
    },
    'masks',
  ),
];
