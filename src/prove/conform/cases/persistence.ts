import {
  AtaCommand,
  ConfigCommand,
  MaskCommand,
  MaskDirectiveCommand,
  ReserveCommand,
} from '../../../wire/aoe/index.js';
import { type ConformCase, must, should } from '../case.js';
import { content, fresh } from '../content.js';
import { OTHER, type Probe } from '../probe.js';

const { forceSet } = ConfigCommand;

async function killed(probe: Probe): Promise<void> {
  await probe.kill();
  await probe.revive();
  probe.isTrue(await probe.pulse(), 'it does not answer after its restart');
}

const has = async (probe: Probe) => probe.configString(await probe.ask(probe.to.config())).toString('latin1');

const serial = async (probe: Probe) =>
  probe
    .data(await probe.ask(probe.to.ata({ count: 1, cmdStatus: AtaCommand.identifyDevice })), 1)
    .subarray(20, 40);

export const persistence: ConformCase[] = [
  must(
    'persistence.Restart.Serves',
    'After a restart it serves the same data at the same address',
    'AoE 1.1',
    async (probe) => {
      await probe.write(31, fresh(0x31, 1));
      await probe.revive();
      probe.isTrue(await probe.pulse(), 'it does not answer after its restart');
      probe.sameBytes(await probe.read(31, 1), fresh(0x31, 1), 'sector 31');
      probe.sameBytes(await probe.read(32, 1), content(32, 1), 'sector 32');
    },
    'restart',
  ),
  must(
    'persistence.Restart.SameDevice',
    'After a restart serial number, buffers and sectors are the same',
    'ATA 6.17',
    async (probe) => {
      const before = await serial(probe);
      await probe.revive();
      probe.isTrue(await probe.pulse(), 'it does not answer after its restart');
      probe.sameBytes(await serial(probe), before, 'serial number');
      const config = probe.config(await probe.ask(probe.to.config()));
      probe.equal(config.bufferCount, probe.facts.config.bufferCount, 'buffer count');
      probe.equal(config.sectorCount, probe.facts.config.sectorCount, 'sector count');
    },
    'restart',
  ),
  must(
    'persistence.Kill.Writes',
    'What was written and flushed is there after it was killed',
    'ATA 6.14',
    async (probe) => {
      await probe.write(41, fresh(0x41, 2));
      await probe.ask(probe.to.ata({ cmdStatus: AtaCommand.flushCache }));
      await killed(probe);
      probe.sameBytes(await probe.read(41, 2), fresh(0x41, 2), 'sectors 41 and 42');
    },
    'restart',
  ),
  should(
    'persistence.Restart.ConfigString',
    'The config string is kept over a restart',
    'AoE 3.2',
    async (probe) => {
      await probe.ask(probe.to.config(forceSet, 'kept'));
      await probe.revive();
      probe.equal(await has(probe), 'kept', 'config string');
    },
    'restart',
  ),
  should(
    'persistence.Kill.ConfigString',
    'The config string is kept when it is killed',
    'AoE 3.2',
    async (probe) => {
      await probe.ask(probe.to.config(forceSet, 'kept too'));
      await killed(probe);
      probe.equal(await has(probe), 'kept too', 'config string');
    },
    'restart',
  ),
  must(
    'persistence.Restart.ClearedString',
    'A config string that was cleared does not come back',
    'AoE 3.2',
    async (probe) => {
      await probe.ask(probe.to.config(forceSet, 'cleared'));
      await probe.ask(probe.to.config(forceSet, ''));
      await probe.revive();
      probe.equal(await has(probe), '', 'config string');
    },
    'restart',
  ),
  should(
    'persistence.Kill.Masks',
    'The MAC mask list is kept when it is killed',
    'AoE 3.3',
    async (probe) => {
      const directives = [probe.own, OTHER].map((mac) => ({ dcmd: MaskDirectiveCommand.add, mac }));
      await probe.ask(probe.to.mask(MaskCommand.edit, directives));
      await killed(probe);
      probe.sameList(
        probe.maskList(await probe.ask(probe.to.mask(MaskCommand.read))),
        [probe.own, OTHER],
        'list',
      );
    },
    'masks',
  ),
  should(
    'persistence.Kill.Reservation',
    'A reservation is kept when it is killed',
    'AoE 3.4',
    async (probe) => {
      await probe.ask(probe.to.reserve(ReserveCommand.forceSet, [probe.own, OTHER]));
      await killed(probe);
      const held = probe.reservation(await probe.ask(probe.to.reserve(ReserveCommand.read)));
      probe.sameList(held, [probe.own, OTHER], 'reservation');
    },
    'reservations',
  ),
];
