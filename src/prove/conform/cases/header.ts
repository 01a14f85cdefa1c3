import { AoeError, AtaCommand, Command, HeaderFlag, MIN_FRAME } from '../../../wire/aoe/index.js';
import { type ConformCase, may, must, should } from '../case.js';
import type { Probe } from '../probe.js';

const TAGS: readonly (readonly [string, number])[] = [
  ['Zero', 0],
  ['AllOnes', 0xffff_ffff],
  ['ByteOrder', 0x0102_0304],
  ['HighBit', 0x8000_0000],
];

const identify = (probe: Probe, over = {}) =>
  probe.to.ata({ count: 1, cmdStatus: AtaCommand.identifyDevice }, over);

const unsupportedVersion = (version: number) => async (probe: Probe) => {
  probe.aoeError(await probe.ask(probe.to.config(0, '', { version })), AoeError.unsupportedVersion);
};

export const header: ConformCase[] = [
  ...TAGS.map(([name, tag]) =>
    must(`header.Tag.${name}`, `An answer repeats the tag ${tag}`, 'AoE 2.7', async (probe) => {
      const answer = await probe.ask(probe.to.config(0, '', { tag }));
      probe.equal(answer.header.tag, tag, 'tag');
    }),
  ),
  must('header.Tag.Ata', 'An answer to an ATA command repeats the tag', 'AoE 2.7', async (probe) => {
    const answer = await probe.ask(identify(probe, { tag: 0xfeed_beef }));
    probe.equal(answer.header.tag, 0xfeed_beef, 'tag');
  }),
  must('header.Command.Config', 'An answer to query config repeats the command', 'AoE 2.6', async (probe) => {
    probe.equal((await probe.ask(probe.to.config())).header.command, Command.config, 'command');
  }),
  must('header.Command.Ata', 'An answer to an ATA command repeats the command', 'AoE 2.6', async (probe) => {
    probe.equal((await probe.ask(identify(probe))).header.command, Command.ata, 'command');
  }),
  must(
    'header.Flags.Response',
    'An answer bears the response flag and no error flag',
    'AoE 2.3',
    async (probe) => {
      const { flags } = (await probe.ask(probe.to.config())).header;
      probe.equal(flags & 0xc, HeaderFlag.response, 'response and error flag');
    },
  ),
  must('header.Flags.Error', 'An answer that bears an error has both flags', 'AoE 2.3', async (probe) => {
    const { flags } = (await probe.ask(probe.to.config(9))).header;
    probe.equal(flags & 0xc, HeaderFlag.response | HeaderFlag.error, 'response and error flag');
  }),
  must('header.Flags.ReservedZero', 'The reserved flags of an answer are zero', 'AoE 2.3', async (probe) => {
    probe.equal((await probe.ask(probe.to.config())).header.flags & 0x3, 0, 'reserved flags');
  }),
  should(
    'header.Flags.ReservedIgnored',
    'A request with reserved flags set is served',
    'AoE 2.3',
    async (probe) => {
      probe.noError(await probe.ask(probe.to.config(0, '', { flags: 0x3 })));
    },
  ),
  should(
    'header.Flags.ReservedNotRepeated',
    'Reserved flags of a request are not repeated',
    'AoE 2.3',
    async (probe) => {
      const answer = await probe.ask(probe.to.config(0, '', { flags: 0x3 }));
      probe.equal(answer.header.flags & 0x3, 0, 'reserved flags');
    },
  ),
  must(
    'header.Flags.ResponseIgnored',
    'A frame with the response flag is not answered',
    'AoE 2.3',
    async (probe) => {
      const flags = HeaderFlag.response;
      await probe.silent(probe.to.config(0, '', { flags }), identify(probe, { flags }));
    },
  ),
  must(
    'header.Flags.ErrorResponseIgnored',
    'A response with an error is not answered',
    'AoE 2.3',
    async (probe) => {
      const flags = HeaderFlag.response | HeaderFlag.error;
      await probe.silent(probe.to.config(0, '', { flags, error: 2 }), identify(probe, { flags, error: 3 }));
    },
  ),
  should(
    'header.Flags.ErrorInRequest',
    'The error flag of a request is not repeated',
    'AoE 2.3',
    async (probe) => {
      const [answer] = await probe.untilQuiet(probe.to.config(0, '', { flags: HeaderFlag.error }));
      if (answer) probe.noError(answer);
    },
  ),
  must('header.Version.InAnswer', 'An answer bears version 1', 'AoE 2.2', async (probe) => {
    probe.equal((await probe.ask(probe.to.config())).header.version, 1, 'version');
  }),
  must('header.Version.Zero', 'Version 0 is answered with error 5', 'AoE 2.2', unsupportedVersion(0)),
  must('header.Version.Two', 'Version 2 is answered with error 5', 'AoE 2.2', unsupportedVersion(2)),
  must('header.Version.Fifteen', 'Version 15 is answered with error 5', 'AoE 2.2', unsupportedVersion(15)),
  must(
    'header.Version.NotCarriedOut',
    'A write of another version changes nothing',
    'AoE 2.2',
    async (probe) => {
      await probe.refusedOrSilent(probe.to.write(8, Buffer.alloc(512, 0x77), true, { version: 2 }));
      await probe.fileUntouched();
    },
  ),
  must(
    'header.Version.Answerer',
    'The answer to another version bears version 1',
    'AoE 2.2',
    async (probe) => {
      const answer = await probe.ask(probe.to.config(0, '', { version: 3 }));
      probe.equal(answer.header.version, 1, 'version');
    },
  ),
  must('header.Error.Zero', 'An answer without the error flag has error 0', 'AoE 2.4', async (probe) => {
    probe.equal((await probe.ask(probe.to.config())).header.error, 0, 'error');
  }),
  should(
    'header.Error.IgnoredInRequest',
    'An error byte in a request is not repeated',
    'AoE 2.4',
    async (probe) => {
      const answer = await probe.ask(probe.to.config(0, '', { error: 5 }));
      probe.noError(answer);
      probe.equal(answer.header.error, 0, 'error');
    },
  ),
  must(
    'header.Padding.Ignored',
    'What follows the fields of a request is ignored',
    'AoE 2.8',
    async (probe) => {
      const query = probe.to.config();
      query.fill(0xa5, 32);
      probe.equal(probe.configString(await probe.ask(query)).length, 0, 'length of the config string');
    },
  ),
  should(
    'header.Padding.Minimum',
    'An answer has at least 60 bytes',
    'IEEE 802.3 4A.2.3.2.4',
    async (probe) => {
      const { bytes } = await probe.ask(probe.to.config());
      probe.isTrue(bytes.length >= MIN_FRAME, `${bytes.length} bytes instead of ${MIN_FRAME} or more`);
    },
  ),
  should(
    'header.Padding.Clean',
    'An answer carries no bytes of the request behind its fields',
    'AoE 2.8',
    async (probe) => {
      const query = probe.to.config();
      query.fill(0xa5, 32);
      const { bytes } = await probe.ask(query);
      probe.isTrue(!bytes.subarray(32).includes(0xa5), 'bytes of the request stand in the padding');
    },
  ),
  may(
    'header.Padding.ShortQuery',
    'A query of 24 bytes is taken as padded with zeros',
    'AoE 2.8',
    async (probe) => {
      probe.noError(await probe.ask(probe.to.config().subarray(0, 24)));
    },
  ),
];
