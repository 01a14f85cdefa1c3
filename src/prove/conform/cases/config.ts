import { AoeError, ConfigCommand, MAX_CONFIG_STRING } from '../../../wire/aoe/index.js';
import { type ConformCase, may, must, should } from '../case.js';
import type { Probe } from '../probe.js';
import { has, LONGEST, put } from './config-string.js';
import { configTests } from './config-tests.js';

const { read, set, forceSet } = ConfigCommand;
const AOE = 'AoE 3.2';

const unknownSubcommand = (ccmd: number) => async (probe: Probe) => {
  await put(probe, 'kept');
  const answer = await probe.ask(probe.to.config(ccmd, 'other'));
  probe.aoeError(answer, AoeError.badArgument);
  probe.equal(await has(probe), 'kept', 'config string afterwards');
};

const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString('latin1');
export const config: ConformCase[] = [
  must('config.Read.Answered', 'A read is answered', AOE, async (probe) => {
    probe.noError(await probe.ask(probe.to.config()));
  }),
  must('config.Read.Version', 'The answer tells AoE version 1', AOE, async (probe) => {
    probe.equal(probe.config(await probe.ask(probe.to.config())).version, 1, 'AoE version');
  }),
  must('config.Read.Subcommand', 'The answer repeats the subcommand', AOE, async (probe) => {
    probe.equal(probe.config(await probe.ask(probe.to.config())).ccmd, read, 'subcommand');
  }),
  must('config.Read.BufferCount', 'The target takes at least one request at a time', AOE, async (probe) => {
    probe.isTrue(probe.config(await probe.ask(probe.to.config())).bufferCount > 0, 'buffer count 0');
  }),
  must(
    'config.Read.SectorCount',
    'The target tells how many sectors a frame may have',
    AOE,
    async (probe) => {
      const { sectorCount } = probe.config(await probe.ask(probe.to.config()));
      probe.isTrue(sectorCount >= 1, `sector count ${sectorCount}`);
    },
  ),
  must('config.Read.Empty', 'Without a config string its length is 0', AOE, async (probe) => {
    probe.equal(await has(probe), '', 'config string');
  }),
  must(
    'config.Read.FieldsIgnored',
    'Buffer and sector count of a request are ignored',
    AOE,
    async (probe) => {
      const request = probe.to.configOf({ bufferCount: 9999, firmware: 0xffff, sectorCount: 99 });
      const answer = probe.config(await probe.ask(request));
      probe.equal(answer.bufferCount, probe.facts.config.bufferCount, 'buffer count');
      probe.equal(answer.sectorCount, probe.facts.config.sectorCount, 'sector count');
      probe.equal(answer.firmware, probe.facts.config.firmware, 'firmware version');
    },
  ),
  must('config.Read.StringIgnored', 'A read with a string does not set or test it', AOE, async (probe) => {
    await put(probe, 'there');
    const answer = await probe.ask(probe.to.config(read, 'asked'));
    probe.equal(probe.configString(answer).toString('latin1'), 'there', 'config string');
  }),
  must(
    'config.Set.IntoEmpty',
    'Where there is no string, set is answered without an error',
    AOE,
    async (probe) => {
      probe.noError(await probe.ask(probe.to.config(set, 'lab'), { once: true }));
    },
  ),
  must('config.Set.Kept', 'What was set is read back', AOE, async (probe) => {
    probe.noError(await probe.ask(probe.to.config(set, 'lab 1'), { once: true }));
    probe.equal(await has(probe), 'lab 1', 'config string');
  }),
  should('config.Set.Echoed', 'The answer to set bears the new string', AOE, async (probe) => {
    const answer = await probe.ask(probe.to.config(set, 'echo'), { once: true });
    probe.equal(probe.configString(answer).toString('latin1'), 'echo', 'config string');
  }),
  must('config.Set.Subcommand', 'The answer to set repeats the subcommand', AOE, async (probe) => {
    probe.equal(
      probe.config(await probe.ask(probe.to.config(set, 'sub'), { once: true })).ccmd,
      set,
      'subcommand',
    );
  }),
  must(
    'config.Set.Present',
    'Where there is another string, set is answered with error 4',
    AOE,
    async (probe) => {
      await put(probe, 'first');
      probe.aoeError(await probe.ask(probe.to.config(set, 'second')), AoeError.configStringPresent);
    },
  ),
  must('config.Set.PresentKept', 'A refused set changes nothing', AOE, async (probe) => {
    await put(probe, 'first');
    await probe.ask(probe.to.config(set, 'second'));
    probe.equal(await has(probe), 'first', 'config string');
  }),
  must(
    'config.Set.PresentPrefix',
    'A prefix of the string that is there is another string',
    AOE,
    async (probe) => {
      await put(probe, 'first');
      probe.aoeError(await probe.ask(probe.to.config(set, 'fir')), AoeError.configStringPresent);
      probe.equal(await has(probe), 'first', 'config string');
    },
  ),
  must('config.ForceSet.IntoEmpty', 'Force set works where there is no string', AOE, async (probe) => {
    await put(probe, 'forced');
    probe.equal(await has(probe), 'forced', 'config string');
  }),
  must('config.ForceSet.Replaces', 'Force set replaces a string', AOE, async (probe) => {
    await put(probe, 'first');
    await put(probe, 'another one');
    probe.equal(await has(probe), 'another one', 'config string');
  }),
  must('config.ForceSet.Shorter', 'Nothing of a longer string is left', AOE, async (probe) => {
    await put(probe, 'a rather long string');
    await put(probe, 'ab');
    probe.equal(await has(probe), 'ab', 'config string');
  }),
  must('config.ForceSet.Empty', 'Force set of nothing clears the string', AOE, async (probe) => {
    await put(probe, 'gone');
    await put(probe, '');
    probe.equal(await has(probe), '', 'config string');
  }),
  must('config.ForceSet.ClearedIsEmpty', 'After it was cleared, set works again', AOE, async (probe) => {
    await put(probe, 'gone');
    await put(probe, '');
    probe.noError(await probe.ask(probe.to.config(set, 'new'), { once: true }));
    probe.equal(await has(probe), 'new', 'config string');
  }),
  should('config.ForceSet.Echoed', 'The answer to force set bears the new string', AOE, async (probe) => {
    const answer = await probe.ask(probe.to.config(forceSet, 'echo'));
    probe.equal(probe.configString(answer).toString('latin1'), 'echo', 'config string');
  }),
  must('config.ForceSet.Longest', `${MAX_CONFIG_STRING} bytes are kept`, AOE, async (probe) => {
    await put(probe, LONGEST);
    probe.equal(await has(probe), LONGEST, 'config string');
  }),
  must('config.ForceSet.AnyBytes', 'The string may hold any bytes, zeros too', AOE, async (probe) => {
    await put(probe, ALL_BYTES);
    probe.equal(await has(probe), ALL_BYTES, 'config string');
  }),
  must('config.ForceSet.LeadingZero', 'A string may begin with a zero byte', AOE, async (probe) => {
    await put(probe, '\0zero');
    probe.equal(await has(probe), '\0zero', 'config string');
  }),
  must('config.Subcommand.Five', 'Subcommand 5 is answered with error 2', AOE, unknownSubcommand(5)),
  must('config.Subcommand.Fifteen', 'Subcommand 15 is answered with error 2', AOE, unknownSubcommand(15)),
  should('config.Request.VersionIgnored', 'The version field of a request is ignored', AOE, async (probe) => {
    probe.noError(await probe.ask(probe.to.configOf({ version: 0 })));
  }),
  may(
    'config.Set.Repeated',
    'The same string set again (its answer was lost) is no error',
    AOE,
    async (probe) => {
      await put(probe, 'same');
      probe.noError(await probe.ask(probe.to.config(set, 'same')));
    },
  ),
  ...configTests,
];
