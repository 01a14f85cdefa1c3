import { ConfigCommand, MAX_CONFIG_STRING } from '../../../wire/aoe/index.js';
import { type ConformCase, must } from '../case.js';
import type { Probe } from '../probe.js';

/** Announces a length and brings another. */
function longConfig(
  probe: Probe,
  announced: number,
  there: number,
  ccmd: number = ConfigCommand.forceSet,
): Buffer {
  const string = Buffer.alloc(Math.min(there, MAX_CONFIG_STRING), 0x4c);
  const bytes = Buffer.concat([
    probe.to.config(ccmd, string).subarray(0, 32 + string.length),
    Buffer.alloc(there - string.length, 0x4c),
  ]);
  bytes.writeUInt16BE(announced, 30);
  return bytes.length >= 60 ? bytes : Buffer.concat([bytes, Buffer.alloc(60 - bytes.length)]);
}

export const malformedConfig: ConformCase[] = [
  must('malformed.Config.TooLong', 'A string of 1025 bytes is not taken', 'AoE 3.2', async (probe) => {
    await probe.refusedOrSilent(longConfig(probe, MAX_CONFIG_STRING + 1, MAX_CONFIG_STRING + 1));
    probe.equal(
      probe.configString(await probe.ask(probe.to.config())).length,
      0,
      'length of the config string',
    );
  }),
  must(
    'malformed.Config.FarTooLong',
    'A string of 4000 bytes is not taken',
    'AoE 3.2',
    async (probe) => {
      await probe.refusedOrSilent(
        longConfig(probe, 4000, 4000),
        longConfig(probe, 4000, 4000, ConfigCommand.set),
      );
      probe.equal(
        probe.configString(await probe.ask(probe.to.config())).length,
        0,
        'length of the config string',
      );
    },
    'jumbo',
  ),
  must(
    'malformed.Config.BeyondFrame',
    'A string that is longer than the frame is not taken',
    'AoE 3.2',
    async (probe) => {
      await probe.refusedOrSilent(longConfig(probe, 500, 28));
      probe.equal(
        probe.configString(await probe.ask(probe.to.config())).length,
        0,
        'length of the config string',
      );
    },
  ),
  must('malformed.Config.Longest', 'A length of 65535 does no harm', 'AoE 3.2', async (probe) => {
    const ccmds = [ConfigCommand.forceSet, ConfigCommand.set, ConfigCommand.test, ConfigCommand.testPrefix];
    await probe.refusedOrSilent(...ccmds.map((ccmd) => longConfig(probe, 0xffff, 28, ccmd)));
    probe.equal(
      probe.configString(await probe.ask(probe.to.config())).length,
      0,
      'length of the config string',
    );
  }),
  must(
    'malformed.Config.ReadLongest',
    'A read with a length of 65535 brings no foreign bytes',
    'AoE 3.2',
    async (probe) => {
      for (const answer of await probe.untilQuiet(longConfig(probe, 0xffff, 28, ConfigCommand.read))) {
        if (!probe.isRefusal(answer))
          probe.equal(probe.configString(answer).length, 0, 'length of the config string');
      }
    },
  ),
];
