import { AoeError, AtaCommand, ReserveCommand } from '../../../wire/aoe/index.js';
import { type ConformCase, must } from '../case.js';
import { OTHER, type Probe, THIRD } from '../probe.js';

const AOE = 'AoE 3.4';
const { read, set, forceSet } = ReserveCommand;

const holders = async (probe: Probe) => probe.reservation(await probe.ask(probe.to.reserve(read)));

/** Reserves by force that a case starts from. */
async function reserveFor(probe: Probe, ...macs: number[]): Promise<void> {
  probe.reservation(await probe.ask(probe.to.reserve(forceSet, macs)));
}

const reserved = (name: string, rule: string, run: ConformCase['run']) =>
  must(`reserve.${name}`, rule, AOE, run, 'reservations');

const refusedAta = (build: (probe: Probe) => Buffer) => async (probe: Probe) => {
  await reserveFor(probe, OTHER);
  probe.aoeError(await probe.ask(build(probe)), AoeError.targetReserved);
};

export const reserve: ConformCase[] = [
  must('reserve.Read.Answered', 'The reservation can be read', AOE, async (probe) => {
    probe.reservation(await probe.ask(probe.to.reserve(read)));
  }),
  reserved('Read.Empty', 'A target that nobody reserved lists nobody', async (probe) => {
    probe.sameList(await holders(probe), [], 'reservation');
  }),
  reserved('Read.Subcommand', 'The answer repeats the subcommand', async (probe) => {
    const answer = await probe.ask(probe.to.reserve(read));
    if (answer.kind === 'reserve') probe.equal(answer.reserve.rcmd, read, 'subcommand');
  }),
  reserved('Read.ByOther', 'Whoever does not hold the reservation can read it', async (probe) => {
    await reserveFor(probe, probe.own);
    const answer = await probe.ask(probe.to.reserve(read, [], { source: OTHER }));
    probe.sameList(probe.reservation(answer), [probe.own], 'reservation');
  }),
  reserved('Set.Free', 'A free target is reserved', async (probe) => {
    await probe.ask(probe.to.reserve(set, [probe.own]));
    probe.sameList(await holders(probe), [probe.own], 'reservation');
  }),
  reserved('Set.Answer', 'The answer to set bears the new reservation', async (probe) => {
    const answer = await probe.ask(probe.to.reserve(set, [probe.own, OTHER]));
    probe.sameList(probe.reservation(answer), [probe.own, OTHER], 'reservation');
  }),
  reserved('Set.Several', 'A target is reserved for several', async (probe) => {
    await probe.ask(probe.to.reserve(set, [probe.own, OTHER, THIRD]));
    probe.sameList(await holders(probe), [probe.own, OTHER, THIRD], 'reservation');
  }),
  reserved('Set.ByHolder', 'A holder can change the reservation', async (probe) => {
    await reserveFor(probe, probe.own);
    await probe.ask(probe.to.reserve(set, [probe.own, THIRD]));
    probe.sameList(await holders(probe), [probe.own, THIRD], 'reservation');
  }),
  reserved('Set.ByOther', 'Set by another is answered with error 6', async (probe) => {
    await reserveFor(probe, OTHER);
    probe.aoeError(await probe.ask(probe.to.reserve(set, [probe.own])), AoeError.targetReserved);
  }),
  reserved('Set.ByOtherKept', 'A refused set changes nothing', async (probe) => {
    await reserveFor(probe, OTHER);
    await probe.ask(probe.to.reserve(set, [probe.own]));
    probe.sameList(await holders(probe), [OTHER], 'reservation');
  }),
  reserved('Force.ByOther', 'Force set takes a reservation over', async (probe) => {
    await reserveFor(probe, OTHER);
    await reserveFor(probe, probe.own);
    probe.sameList(await holders(probe), [probe.own], 'reservation');
  }),
  reserved('Release.ByHolder', 'A holder releases by setting nobody', async (probe) => {
    await reserveFor(probe, probe.own);
    await probe.ask(probe.to.reserve(set, []));
    probe.sameList(await holders(probe), [], 'reservation');
  }),
  reserved('Release.ByOther', 'Another can not release', async (probe) => {
    await reserveFor(probe, OTHER);
    probe.aoeError(await probe.ask(probe.to.reserve(set, [])), AoeError.targetReserved);
    probe.sameList(await holders(probe), [OTHER], 'reservation');
  }),
  reserved('Release.ByForce', 'Force set of nobody releases', async (probe) => {
    await reserveFor(probe, OTHER);
    await reserveFor(probe);
    probe.sameList(await holders(probe), [], 'reservation');
  }),
  reserved('Release.ServesAll', 'After a release others are served', async (probe) => {
    await reserveFor(probe, OTHER);
    await reserveFor(probe);
    await probe.read(0, 1);
  }),
  reserved('Served.Holder', 'A holder is served', async (probe) => {
    await reserveFor(probe, probe.own);
    await probe.read(0, 1);
  }),
  reserved('Served.SecondHolder', 'Every holder is served', async (probe) => {
    await reserveFor(probe, OTHER, probe.own);
    await probe.read(0, 1);
  }),
  reserved(
    'Served.OtherRead',
    'Reads of others are answered with error 6',
    refusedAta((probe) => probe.to.read(0, 1)),
  ),
  reserved(
    'Served.OtherRead28',
    '28-bit reads of others are answered with error 6',
    refusedAta((probe) => probe.to.read(0, 1, false)),
  ),
  reserved(
    'Served.OtherWrite',
    'Writes of others are answered with error 6 and change nothing',
    async (probe) => {
      await refusedAta(() => probe.to.write(0, Buffer.alloc(512, 0xcc)))(probe);
      await probe.fileUntouched();
    },
  ),
  reserved(
    'Served.OtherFlush',
    'Flushes of others are answered with error 6',
    refusedAta((probe) => probe.to.ata({ cmdStatus: AtaCommand.flushCache })),
  ),
  reserved('Served.OtherConfig', 'Queries of others are answered', async (probe) => {
    await reserveFor(probe, OTHER);
    probe.noError(await probe.ask(probe.to.config()));
  }),
  reserved('Served.OtherExport', 'A reservation belongs to one export', async (probe) => {
    await reserveFor(probe, OTHER);
    probe.data(await probe.ask(probe.toExport(probe.big).read(0, 1)), 1);
  }),
  reserved('Subcommand.Unknown', 'An unknown subcommand is answered with error 2', async (probe) => {
    probe.aoeError(await probe.ask(probe.to.reserve(9)), AoeError.badArgument);
  }),
  reserved('Subcommand.UnknownKeeps', 'An unknown subcommand changes nothing', async (probe) => {
    await probe.untilQuiet(probe.to.reserve(9, [OTHER]));
    probe.sameList(await holders(probe), [], 'reservation');
  }),
];
