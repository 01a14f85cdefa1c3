import { ALL_SHELVES, ALL_SLOTS, AtaCommand, BROADCAST } from '../../../wire/aoe/index.js';
import { type ConformCase, must, should } from '../case.js';
import { OTHER, type Probe, PULSE, tagOf } from '../probe.js';

const everywhere = { destination: BROADCAST, major: ALL_SHELVES, minor: ALL_SLOTS };

const served = (over: object) => async (probe: Probe) => {
  probe.noError(await probe.ask(probe.to.config(0, '', over)));
};

const unserved = (over: object) => async (probe: Probe) => {
  const identify = probe.to.ata({ count: 1, cmdStatus: AtaCommand.identifyDevice }, over);
  await probe.silent(probe.to.config(0, '', over), identify);
};

/** The addresses that answered a query to all, in order; those expected are waited for. */
async function roll(probe: Probe, over: object, expected: readonly string[]): Promise<void> {
  const query = probe.to.config(0, '', { destination: BROADCAST, ...over });
  await probe.log.send(query);
  await probe.log.until(() => probe.log.answers(tagOf(query)).length >= expected.length, PULSE);
  await probe.untilQuiet();
  const answered = probe.log.answers(tagOf(query)).map(({ header }) => `${header.major}.${header.minor}`);
  probe.equal(answered.sort().join(' '), expected.join(' '), 'who answered');
}

function exportsOf(probe: Probe): string[] {
  const { main, readOnly, big } = probe.dut;
  return [main, readOnly, big]
    .filter((one) => one !== undefined)
    .map(({ address }) => `${address.shelf}.${address.slot}`)
    .sort();
}

export const addressing: ConformCase[] = [
  must('addressing.Own.Unicast', 'A request to its MAC and address is served', 'AoE 2.5', served({})),
  must(
    'addressing.Own.Broadcast',
    'A request to the broadcast MAC is served',
    'AoE 2.1',
    served({ destination: BROADCAST }),
  ),
  must(
    'addressing.Answer.Mac',
    'An answer goes to the asker and comes from the target',
    'AoE 2.1',
    async (probe) => {
      const { ethernet } = await probe.ask(probe.to.config());
      probe.equal(ethernet.destination, probe.own, 'destination MAC');
      probe.equal(ethernet.source, probe.facts.mac, 'source MAC');
    },
  ),
  must(
    'addressing.Answer.MacOfBroadcast',
    'The answer to a broadcast is no broadcast',
    'AoE 2.1',
    async (probe) => {
      const { ethernet } = await probe.ask(probe.to.config(0, '', { destination: BROADCAST }));
      probe.equal(ethernet.destination, probe.own, 'destination MAC');
      probe.equal(ethernet.source, probe.facts.mac, 'source MAC');
    },
  ),
  must('addressing.Answer.OtherAsker', 'An answer goes to whoever asked', 'AoE 2.1', async (probe) => {
    const { ethernet } = await probe.ask(probe.to.config(0, '', { source: OTHER }));
    probe.equal(ethernet.destination, OTHER, 'destination MAC');
  }),
  must(
    'addressing.Answer.Own',
    'An answer bears the shelf and slot of the target',
    'AoE 2.5',
    async (probe) => {
      const { header } = await probe.ask(probe.to.config());
      probe.equal(header.major, probe.dut.main.address.shelf, 'shelf');
      probe.equal(header.minor, probe.dut.main.address.slot, 'slot');
    },
  ),
  must(
    'addressing.Wildcard.Both',
    'All shelves and all slots: every export answers once',
    'AoE 2.5',
    async (probe) => {
      await roll(probe, everywhere, exportsOf(probe));
    },
  ),
  must(
    'addressing.Wildcard.Shelf',
    'All shelves and one slot: every export of that slot answers',
    'AoE 2.5',
    async (probe) => {
      const { slot } = probe.dut.main.address;
      const expected = exportsOf(probe).filter((name) => name.endsWith(`.${slot}`));
      await roll(probe, { major: ALL_SHELVES }, expected);
    },
  ),
  must(
    'addressing.Wildcard.Slot',
    'One shelf and all slots: every export of that shelf answers',
    'AoE 2.5',
    async (probe) => {
      const { shelf } = probe.dut.main.address;
      const expected = exportsOf(probe).filter((name) => name.startsWith(`${shelf}.`));
      await roll(probe, { minor: ALL_SLOTS }, expected);
    },
  ),
  must(
    'addressing.Wildcard.UnicastMac',
    "Wildcards to the target's own MAC are served too",
    'AoE 2.5',
    async (probe) => {
      await roll(probe, { ...everywhere, destination: probe.facts.mac }, exportsOf(probe));
    },
  ),
  must(
    'addressing.Wildcard.Repeated',
    'Each of two queries to all is answered by every export',
    'AoE 2.5',
    async (probe) => {
      await roll(probe, everywhere, exportsOf(probe));
      await roll(probe, everywhere, exportsOf(probe));
    },
  ),
  must('addressing.Foreign.Shelf', 'Another shelf is not served', 'AoE 2.5', unserved({ major: 8 })),
  must('addressing.Foreign.Slot', 'Another slot is not served', 'AoE 2.5', unserved({ minor: 9 })),
  must(
    'addressing.Foreign.Both',
    'Another shelf and slot is not served',
    'AoE 2.5',
    unserved({ major: 700, minor: 30 }),
  ),
  must(
    'addressing.Foreign.ByteOrder',
    'The shelf is taken in network byte order',
    'AoE 2.5',
    unserved({ major: 0x0700 }),
  ),
  must(
    'addressing.Foreign.ShelfLowByte',
    'A shelf that is equal in its low byte only is not served',
    'AoE 2.5',
    unserved({ major: 0x0107 }),
  ),
  must(
    'addressing.Foreign.WildSlot',
    'Another shelf with all slots is not served',
    'AoE 2.5',
    unserved({ major: 8, minor: ALL_SLOTS }),
  ),
  must(
    'addressing.Foreign.WildShelf',
    'Another slot of all shelves is not served',
    'AoE 2.5',
    unserved({ major: ALL_SHELVES, minor: 9 }),
  ),
  must(
    'addressing.Foreign.Broadcast',
    'A broadcast for another address is not served',
    'AoE 2.5',
    unserved({ destination: BROADCAST, minor: 9 }),
  ),
  must(
    'addressing.Foreign.Write',
    'A write for another address changes nothing',
    'AoE 2.5',
    async (probe) => {
      await probe.silent(probe.to.write(0, Buffer.alloc(512, 0xee), true, { minor: 9 }));
      await probe.fileUntouched();
    },
  ),
  must(
    'addressing.Foreign.ConfigString',
    'A config string for another address is not taken',
    'AoE 2.5',
    async (probe) => {
      await probe.silent(probe.to.config(4, 'astray', { minor: 9 }));
      probe.equal(
        probe.configString(await probe.ask(probe.to.config())).length,
        0,
        'length of the config string',
      );
    },
  ),
  should(
    'addressing.Ethernet.OtherStation',
    'A frame to another station is not served',
    'IEEE 802.3 3.2.4',
    unserved({ destination: 0x02_00_00_0a_0e_99 }),
  ),
  should(
    'addressing.Ethernet.OtherType',
    'A frame of another EtherType is not served',
    'AoE 2.1',
    async (probe) => {
      const query = probe.to.config();
      query.writeUInt16BE(0x88a3, 12);
      await probe.silent(query);
    },
  ),
  must(
    'addressing.Isolation.ConfigString',
    'A config string belongs to one export',
    'AoE 3.2',
    async (probe) => {
      probe.configString(await probe.ask(probe.to.config(4, 'mine')));
      const other = probe.toExport(probe.big).config();
      probe.equal(
        probe.configString(await probe.ask(other)).length,
        0,
        "length of the other export's config string",
      );
    },
    'big',
  ),
  must(
    'addressing.Isolation.Data',
    'Exports are told apart by their address, with one tag too',
    'AoE 2.5',
    async (probe) => {
      const mark = Buffer.alloc(512, 0xb1);
      await probe.dut.writeBacking(probe.big, 5, mark);
      const request = probe.toExport(probe.big).read(5, 1);
      probe.sameBytes(probe.data(await probe.ask(request), 1), mark, 'sector 5 of the other export');
      probe.log.begin();
      const own = await probe.ask(probe.to.read(5, 1, true, { tag: tagOf(request) }));
      probe.sameBytes(probe.data(own, 1), await probe.dut.readBacking(probe.dut.main, 5, 1), 'sector 5');
    },
    'big',
  ),
];
