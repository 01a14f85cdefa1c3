import {
  AtaCommand,
  ConfigCommand,
  MaskCommand,
  MaskDirectiveCommand,
  ReserveCommand,
} from '../../../wire/aoe/index.js';
import { type ConformCase, must } from '../case.js';
import { content, fresh } from '../content.js';
import { type Probe, tagOf } from '../probe.js';
import type { Answer } from '../wire-log.js';

const AOE = 'AoE 1.1';

/** Sends a request twice and waits for two answers. */
async function twice(probe: Probe, request: Buffer): Promise<Answer[]> {
  await probe.log.send(request);
  await probe.log.send(request);
  const tag = tagOf(request);
  await probe.log.until(() => probe.log.answers(tag).length >= 2, 500);
  const answers = probe.log.answers(tag);
  probe.equal(answers.length, 2, 'answers');
  return answers;
}

export const retransmission: ConformCase[] = [
  must(
    'retransmission.Config.Twice',
    'A query that comes twice is answered twice, alike',
    AOE,
    async (probe) => {
      const [one, other] = await twice(probe, probe.to.config());
      probe.sameBytes((other as Answer).bytes, (one as Answer).bytes, 'the second answer');
    },
  ),
  must(
    'retransmission.Identify.Twice',
    'IDENTIFY DEVICE that comes twice is answered twice, alike',
    AOE,
    async (probe) => {
      const [one, other] = await twice(
        probe,
        probe.to.ata({ count: 1, cmdStatus: AtaCommand.identifyDevice }),
      );
      probe.sameBytes((other as Answer).bytes, (one as Answer).bytes, 'the second answer');
    },
  ),
  must(
    'retransmission.Read.Twice',
    'A read that comes twice is answered twice, with the same data',
    AOE,
    async (probe) => {
      for (const answer of await twice(probe, probe.to.read(50, 2))) {
        probe.sameBytes(probe.data(answer, 2), content(50, 2), 'sectors 50 and 51');
      }
    },
  ),
  must(
    'retransmission.Write.Twice',
    'A write that comes twice is done, and answered twice',
    AOE,
    async (probe) => {
      for (const answer of await twice(probe, probe.to.write(50, fresh(50, 2)))) probe.ataDone(answer);
      await probe.fileHolds(50, fresh(50, 2));
      await probe.fileHolds(52, content(52, 2));
    },
  ),
  must(
    'retransmission.Read.Anew',
    'A read that comes again after a write brings what was written',
    AOE,
    async (probe) => {
      const request = probe.to.read(60, 1);
      probe.sameBytes(probe.data(await probe.ask(request), 1), content(60, 1), 'sector 60');
      await probe.write(60, fresh(60, 1));
      probe.log.begin();
      probe.sameBytes(probe.data(await probe.ask(request), 1), fresh(60, 1), 'sector 60');
    },
  ),
  must(
    'retransmission.Tag.Reused',
    'Another request with a tag used before is served anew',
    'AoE 2.7',
    async (probe) => {
      const first = probe.to.read(1, 1);
      probe.sameBytes(probe.data(await probe.ask(first), 1), content(1, 1), 'sector 1');
      probe.log.begin();
      const second = await probe.ask(probe.to.read(2, 1, true, { tag: tagOf(first) }));
      probe.sameBytes(probe.data(second, 1), content(2, 1), 'sector 2');
    },
  ),
  must('retransmission.Error.Twice', 'A failing read that comes twice fails twice', AOE, async (probe) => {
    for (const answer of await twice(probe, probe.to.read(probe.sectors, 1))) probe.refused(answer);
  }),
  must(
    'retransmission.ForceSet.Twice',
    'A force set that comes twice leaves the string',
    AOE,
    async (probe) => {
      await twice(probe, probe.to.config(ConfigCommand.forceSet, 'twice'));
      probe.equal(
        probe.configString(await probe.ask(probe.to.config())).toString('latin1'),
        'twice',
        'config string',
      );
    },
  ),
  must(
    'retransmission.Reserve.Twice',
    'A reservation that comes twice is no error',
    AOE,
    async (probe) => {
      for (const answer of await twice(probe, probe.to.reserve(ReserveCommand.set, [probe.own]))) {
        probe.sameList(probe.reservation(answer), [probe.own], 'reservation');
      }
    },
    'reservations',
  ),
  must(
    'retransmission.Mask.Twice',
    'A mask edit that comes twice is no error',
    AOE,
    async (probe) => {
      const directives = [{ dcmd: MaskDirectiveCommand.add, mac: probe.own }];
      for (const answer of await twice(probe, probe.to.mask(MaskCommand.edit, directives))) {
        probe.sameList(probe.maskList(answer), [probe.own], 'list');
      }
    },
    'masks',
  ),
];
