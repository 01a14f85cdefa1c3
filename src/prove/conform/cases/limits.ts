import {
  AtaCommand,
  AtaFlag,
  ConfigCommand,
  ETHERNET_HEADER,
  MAX_CONFIG_STRING,
} from '../../../wire/aoe/index.js';
import { type ConformCase, must, should } from '../case.js';
import { content, fresh } from '../content.js';
import type { Probe } from '../probe.js';

const room = (probe: Probe) => Math.floor((probe.dut.link.mtu - 22) / 512);

export const limits: ConformCase[] = [
  must(
    'limits.Sectors.WithinMtu',
    'No more sectors are offered than fit into a frame',
    'AoE 3.2',
    async (probe) => {
      const { sectorCount } = probe.facts.config;
      probe.isTrue(sectorCount <= room(probe), `${sectorCount} sectors offered, ${room(probe)} fit`);
    },
  ),
  should(
    'limits.Sectors.AllOfMtu',
    'As many sectors are offered as fit into a frame',
    'AoE 3.2',
    async (probe) => {
      const { sectorCount } = probe.facts.config;
      probe.isTrue(
        sectorCount >= Math.min(room(probe), 255),
        `${sectorCount} sectors offered, ${room(probe)} fit`,
      );
    },
  ),
  must('limits.Sectors.Read', 'As many sectors as offered are read', 'AoE 3.2', async (probe) => {
    const most = Math.min(probe.facts.config.sectorCount, room(probe));
    probe.sameBytes(await probe.read(16, most), content(16, most), `${most} sectors`);
  }),
  must('limits.Sectors.Write', 'As many sectors as offered are written', 'AoE 3.2', async (probe) => {
    const most = Math.min(probe.facts.config.sectorCount, room(probe));
    await probe.write(16, fresh(16, most));
    await probe.fileHolds(16, fresh(16, most));
  }),
  must(
    'limits.Sectors.ReadAbove',
    'A read of more sectors than fit is refused, not cut',
    'AoE 3.1',
    async (probe) => {
      await probe.refusedOrSilent(probe.to.read(0, room(probe) + 1));
    },
  ),
  should(
    'limits.Sectors.ReadAboveAnswered',
    'A read of more sectors than fit is answered with an error',
    'AoE 3.1',
    async (probe) => {
      probe.refused(await probe.ask(probe.to.read(0, room(probe) + 1)));
    },
  ),
  must(
    'limits.Sectors.Read255',
    "A read of 255 sectors is refused where they don't fit",
    'AoE 3.1',
    async (probe) => {
      await probe.refusedOrSilent(probe.to.read(0, 255), probe.to.read(0, 255, false));
    },
  ),
  must('limits.Frame.WithinMtu', 'No answer is longer than the MTU', 'AoE 2.1', async (probe) => {
    await probe.ask(probe.to.config(ConfigCommand.forceSet, 'y'.repeat(MAX_CONFIG_STRING)));
    await probe.read(0, probe.most);
    const longest = Math.max(...probe.log.responses().map(({ bytes }) => bytes.length));
    probe.isTrue(longest <= probe.dut.link.mtu + ETHERNET_HEADER, `${longest} bytes`);
  }),
  must(
    'limits.Frame.DataExact',
    'An answer carries as much data as was asked for',
    'AoE 3.1',
    async (probe) => {
      const { bytes } = await probe.ask(probe.to.read(5, 2));
      probe.equal(bytes.length, 36 + 2 * 512, 'bytes of the answer');
    },
  ),
  must('limits.Count.ReadZero', 'A read of 0 sectors brings no data', 'AoE 3.1', async (probe) => {
    for (const wide of [true, false]) {
      const [answer] = await probe.untilQuiet(probe.to.read(0, 0, wide));
      if (answer?.kind === 'ata') probe.equal(answer.data.length, 0, 'bytes of data');
    }
  }),
  must('limits.Count.WriteZero', 'A write of 0 sectors changes nothing', 'AoE 3.1', async (probe) => {
    const flags = AtaFlag.write | AtaFlag.lba48;
    await probe.untilQuiet(
      probe.to.ata({ flags, cmdStatus: AtaCommand.writeSectorsExt, lba: 7 }, {}, fresh(7, 1)),
    );
    await probe.fileUntouched();
  }),
  must(
    'limits.Buffers.Filled',
    'As many requests as there are buffers are all answered',
    'AoE 3.2',
    async (probe) => {
      const count = Math.min(probe.facts.config.bufferCount, 64);
      const requests = Array.from({ length: count }, (_, index) => probe.to.read(index * 2, 2));
      for (const request of requests) await probe.log.send(request);
      const tags = requests.map((request) => request.readUInt32BE(20));
      const all = () => tags.every((tag) => probe.log.answers(tag).length > 0);
      await probe.log.until(all, 1000);
      const missing = tags.filter((tag) => probe.log.answers(tag).length === 0).length;
      probe.equal(missing, 0, `requests of ${count} that were not answered`);
    },
  ),
  must(
    'limits.Buffers.Overrun',
    'After more requests than it has buffers the target serves on',
    'AoE 3.2',
    async (probe) => {
      const count = Math.min(probe.facts.config.bufferCount * 4, 512);
      for (let index = 0; index < count; index++) await probe.log.send(probe.to.read(index % 1000, 1));
      probe.isTrue(await probe.pulse(), 'a plain query after it was not answered');
      probe.sameBytes(await probe.read(3, 1), content(3, 1), 'sector 3');
    },
  ),
];
