import {
  BROADCAST,
  Command,
  type ConfigFrame,
  ETHERTYPE_AOE,
  HeaderFlag,
  parseFrame,
} from '../../../wire/aoe/index.js';
import { type ConformCase, must, should } from '../case.js';
import type { DutExport } from '../dut.js';
import type { Probe } from '../probe.js';

const AOE = 'AoE 3.2';

interface Heard {
  bytes: Buffer;
  frame: ConfigFrame;
}

/** Announcements of an export that came when the target was started. */
function announcements(probe: Probe, of: DutExport = probe.dut.main): Heard[] {
  return probe.dut.announced
    .filter((bytes) => bytes.length >= 24 && bytes.readUInt16BE(12) === ETHERTYPE_AOE)
    .map((bytes) => ({ bytes, frame: parseFrame(bytes) }))
    .filter((heard): heard is Heard => heard.frame.kind === 'config')
    .filter(({ frame }) => (frame.header.flags & HeaderFlag.response) !== 0)
    .filter(({ frame: { header } }) => header.major === of.address.shelf && header.minor === of.address.slot);
}

const first = (probe: Probe): Heard => announcements(probe)[0] ?? probe.fail('there was none');

export const announcementCases: ConformCase[] = [
  should(
    'announcements.Start.Sent',
    'A target that starts announces itself by an unsolicited answer',
    AOE,
    async (probe) => {
      first(probe);
    },
  ),
  should('announcements.Start.EachExport', 'Each export is announced', AOE, async (probe) => {
    const { main, readOnly, big } = probe.dut;
    for (const one of [main, readOnly, big]) {
      if (one && announcements(probe, one).length === 0)
        probe.fail(`e${one.address.shelf}.${one.address.slot} was not`);
    }
  }),
  should('announcements.Start.Broadcast', 'It is sent to everybody', AOE, async (probe) => {
    probe.equal(first(probe).frame.ethernet.destination, BROADCAST, 'destination MAC');
  }),
  must('announcements.Start.Source', 'It comes from the address that serves', AOE, async (probe) => {
    probe.equal(first(probe).frame.ethernet.source, probe.facts.mac, 'source MAC');
  }),
  must('announcements.Start.Version', 'It bears version 1', 'AoE 2.2', async (probe) => {
    probe.equal(first(probe).frame.header.version, 1, 'version');
  }),
  must('announcements.Start.Flags', 'It bears the response flag and no error', 'AoE 2.3', async (probe) => {
    const { flags, error } = first(probe).frame.header;
    probe.equal(flags, HeaderFlag.response, 'flags');
    probe.equal(error, 0, 'error');
  }),
  must('announcements.Start.Command', 'It is an answer to query config', AOE, async (probe) => {
    probe.equal(first(probe).frame.header.command, Command.config, 'command');
  }),
  should('announcements.Start.Tag', 'Its tag is 0: nobody asked', AOE, async (probe) => {
    probe.equal(first(probe).frame.header.tag, 0, 'tag');
  }),
  must(
    'announcements.Start.Fields',
    'It tells buffers, sectors and firmware as an answer does',
    AOE,
    async (probe) => {
      const { config } = first(probe).frame;
      const asked = probe.facts.config;
      probe.equal(config.bufferCount, asked.bufferCount, 'buffer count');
      probe.equal(config.sectorCount, asked.sectorCount, 'sector count');
      probe.equal(config.firmware, asked.firmware, 'firmware version');
    },
  ),
  must('announcements.Start.AoeVersion', 'Its config section tells AoE version 1', AOE, async (probe) => {
    probe.equal(first(probe).frame.config.version, 1, 'AoE version');
  }),
  should('announcements.Start.Padded', 'It has at least 60 bytes', 'IEEE 802.3 4A.2.3.2.4', async (probe) => {
    const { length } = first(probe).bytes;
    probe.isTrue(length >= 60, `${length} bytes`);
  }),
  should(
    'announcements.Restart.Sent',
    'A target that is restarted announces itself again',
    AOE,
    async (probe) => {
      const { shelf, slot } = probe.dut.main.address;
      probe.log.begin();
      await probe.revive();
      const heard = () =>
        probe.log
          .responses()
          .some(
            ({ header, ethernet }) =>
              ethernet.destination === BROADCAST && header.major === shelf && header.minor === slot,
          );
      probe.isTrue(await probe.log.until(heard, 500), 'no announcement after the restart');
    },
    'restart',
  ),
];
