import { spawnSync } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import test from 'ava';
import { type LabError, MissingError, UsageError } from '../../../src/base/errors.js';
import { syscalls } from '../../../src/base/libc/syscalls.js';
import { formatMac } from '../../../src/wire/aoe/index.js';
import { FRAME_OFFSET } from '../../../src/wire/link/frame-memory.js';
import { ReceiveCalls } from '../../../src/wire/link/frame-source.js';
import { type Link, openPacketLink } from '../../../src/wire/link/index.js';
import { hearOwnVlan, type Quotas } from '../../../src/wire/link/own-vlan.js';
import { openPacketSocket } from '../../../src/wire/link/packet.js';
import { makeWire, type Wire, whyNoWire } from './veth.js';

const why = await whyNoWire();
const live = why === undefined ? test.serial : test.skip;
const reason = why === undefined ? '' : ` (skipped: ${why})`;

/** A frame of AoE whose payload begins with a number. */
function numbered(link: Link, value: number, length = 60): Buffer {
  const frame = Buffer.alloc(length);
  frame.fill(0xff, 0, 6);
  frame.writeUIntBE(link.mac, 6, 6);
  frame.writeUInt16BE(0x88a2, 12);
  frame.writeUInt32BE(value, 14);
  return frame;
}

const HELLO = 0xffff_ffff;

/** Until the kernel has noticed the new carrier an interface swallows what it is given: says hello until it is heard. */
async function connect(from: Link, to: Link): Promise<void> {
  const hello = setInterval(() => from.send(numbered(from, HELLO)), 5);
  await new Promise<void>((resolve) => {
    to.onFrame = () => resolve();
  });
  clearInterval(hello);
  to.onFrame = undefined;
}

/** Takes `count` frames. */
function take(link: Link, count: number): Promise<Buffer[]> {
  const frames: Buffer[] = [];
  return new Promise((resolve) => {
    link.onFrame = (frame) => {
      if (frame.readUInt32BE(14) === HELLO) return;
      frames.push(Buffer.from(frame));
      if (frames.length === count) resolve(frames);
    };
  });
}

async function withWire(mtu: number, body: (wire: Wire) => Promise<void>): Promise<void> {
  const wire = await makeWire(mtu);
  try {
    await body(wire);
  } finally {
    await wire.remove();
  }
}

async function withLinks(
  mtu: number,
  body: (left: Link, right: Link, wire: Wire) => Promise<void>,
): Promise<void> {
  await withWire(mtu, async (wire) => {
    const left = await openPacketLink({ iface: 'v0', netns: wire.left });
    const right = await openPacketLink({ iface: 'v0', netns: wire.right });
    try {
      await connect(left, right);
      await connect(right, left);
      await body(left, right, wire);
    } finally {
      await left.close();
      await right.close();
    }
  });
}

/** Packet sockets that are open in a namespace. */
async function sockets({ run }: Wire, netns: string): Promise<number> {
  return (await run(netns, ['cat', '/proc/net/packet'])).trimEnd().split('\n').length - 1;
}

const namespace = (): string => readlinkSync('/proc/thread-self/ns/net');

live(`an interface that is not there is named, with those that are${reason}`, async (t) => {
  await withWire(1500, async (wire) => {
    const { left } = wire;
    const before = namespace();
    const error = (await t.throwsAsync(openPacketLink({ iface: 'eth7', netns: left }))) as LabError;
    t.true(error instanceof UsageError);
    t.regex(error.facts.happened, /^there is no interface "eth7"; there are: (lo, v0|v0, lo)$/);
    t.is(namespace(), before);
    t.is(await sockets(wire, left), 0);
  });
});

live(`a name longer than the kernel allows is no interface${reason}`, async (t) => {
  await t.throwsAsync(openPacketLink({ iface: 'a-name-of-16-char' }), { instanceOf: UsageError });
});

live(`a namespace that is not there is named, with those that are${reason}`, async (t) => {
  await withWire(1500, async ({ left }) => {
    const error = (await t.throwsAsync(openPacketLink({ iface: 'v0', netns: `${left}x` }))) as LabError;
    t.true(error instanceof MissingError);
    t.true(error.facts.happened.includes(left));
    await t.throwsAsync(openPacketLink({ iface: 'v0', netns: '../netns' }), { instanceOf: MissingError });
  });
});

live(`an interface that is down is refused, with the command that brings it up${reason}`, async (t) => {
  await withWire(1500, async ({ left, run }) => {
    await run(left, ['ip', 'link', 'set', 'v0', 'down']);
    const error = (await t.throwsAsync(openPacketLink({ iface: 'v0', netns: left }))) as LabError;
    t.true(error instanceof MissingError);
    t.is(error.facts.happened, 'the interface is down');
    t.regex(String(error.facts.next), /ip link set v0 up/);
  });
});

live(`an interface without Ethernet headers is refused${reason}`, async (t) => {
  await withWire(1500, async ({ left, run }) => {
    await run(left, ['ip', 'tuntap', 'add', 'mode', 'tun', 'name', 'tun7']);
    await t.throwsAsync(openPacketLink({ iface: 'tun7', netns: left }), { message: /no Ethernet interface/ });
  });
});

live(`without the right to it a packet socket is refused as missing${reason}`, (t) => {
  const script = `
    const { openPacketLink } = await import(${JSON.stringify(new URL('../../../src/wire/link/index.js', import.meta.url).href)});
    // The native part is loaded while this user may still read its folder.
    await openPacketLink({ iface: 'none-such' }).catch(() => {});
    process.setuid(65534);
    try { await openPacketLink({ iface: 'lo' }); } catch (error) { console.log(error.name, error.exitCode, error.missing); }
  `;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  t.is(stdout, `${MissingError.name} 3 [ 'CAP_NET_RAW' ]\n`);
});

live(`the link knows its interface's address and MTU, in its namespace${reason}`, async (t) => {
  await withLinks(9000, async (left, right, wire) => {
    t.is(left.mtu, 9000);
    t.is(left.name, `v0 in namespace ${wire.left}`);
    const address = await wire.run(wire.right, ['cat', '/sys/class/net/v0/address']);
    t.is(formatMac(right.mac), address.trim());
    t.not(formatMac(left.mac), formatMac(right.mac));
  });
});

live(`frames arrive in order and whole, and the sender does not hear itself${reason}`, async (t) => {
  await withLinks(1500, async (left, right) => {
    left.onFrame = (frame) => t.is(frame.readUInt32BE(14), HELLO);
    const taken = take(right, 500);
    for (let value = 0; value < 500; value++) t.true(left.send(numbered(left, value, 60 + value)));
    const frames = await taken;
    t.deepEqual(
      frames.map((frame) => [frame.readUInt32BE(14), frame.length]),
      frames.map((_, index) => [index, 60 + index]),
    );
    const answer = take(left, 1);
    right.send(numbered(right, 7, 1514));
    t.deepEqual((await answer)[0], numbered(right, 7, 1514));
  });
});

live(`frames of other protocols are not heard${reason}`, async (t) => {
  await withLinks(1500, async (left, right) => {
    const taken = take(right, 1);
    const other = numbered(left, 1);
    other.writeUInt16BE(0x88b5, 12);
    left.send(other);
    left.send(numbered(left, 2));
    t.is((await taken)[0]?.readUInt32BE(14), 2);
  });
});

/** The same frame with a tag of 802.1Q. */
function tagged(frame: Buffer, tci: number): Buffer {
  const tag = Buffer.from([0x81, 0, tci >> 8, tci & 0xff]);
  return Buffer.concat([frame.subarray(0, 12), tag, frame.subarray(12)]);
}

function to(frame: Buffer, mac: number): Buffer {
  frame.writeUIntBE(mac, 0, 6);
  return frame;
}

live(
  `frames tagged for a VLAN are not heard, to all, to a group or to it alone; those of VLAN 0 are${reason}`,
  async (t) => {
    await withLinks(1500, async (left, right) => {
      const taken = take(right, 3);
      const GROUP = 0x0180_c200_0042;
      for (const id of [1, 5, 0xfff, 0xe005]) {
        left.send(tagged(numbered(left, id), id));
        left.send(tagged(to(numbered(left, id), right.mac), id));
        left.send(tagged(to(numbered(left, id), GROUP), id));
      }
      // A tag in a tag, the outer one being of VLAN 0.
      left.send(tagged(tagged(numbered(left, 6), 6), 0));
      left.send(tagged(to(numbered(left, 101), right.mac), 0xe000));
      left.send(to(numbered(left, 102), 0x0200_0000_0077));
      left.send(to(numbered(left, 103), right.mac));
      t.deepEqual(
        (await taken).map((frame) => frame.readUInt32BE(14)),
        [101, 102, 103],
      );
    });
  },
);

live(`of stations with a quota a part passes, of others all or a part${reason}`, async (t) => {
  await withLinks(1500, async (left, right, wire) => {
    const { c, fd, facts } = await openPacketSocket({ iface: 'v0', netns: wire.right });
    const source = new ReceiveCalls(await syscalls(), fd, 1514);
    const [none, half, other] = [0x02_00_00_00_00_0a, 0x02_00_00_00_00_0b, 0x02_00_00_00_00_0c];
    const SENT = 400;
    const passed = async (quotas: Quotas): Promise<number[]> => {
      t.true(hearOwnVlan(c, fd, facts.mac, facts.index, quotas));
      const counts = new Map<number, number>();
      const taken = take(right, 3 * SENT);
      for (let count = 0; count < SENT; count++) {
        for (const mac of [none, half, other]) {
          const frame = numbered(left, mac % 256);
          frame.writeUIntBE(mac, 6, 6);
          left.send(frame);
        }
        for (; source.next() > 0; source.advance()) {
          const start = source.slot * source.slotLength + FRAME_OFFSET;
          const value = source.memory.bytes.readUInt32BE(start + 14);
          counts.set(value, (counts.get(value) ?? 0) + 1);
        }
        source.release();
      }
      await taken;
      return [none, half, other].map((mac) => counts.get(mac % 256) ?? 0);
    };
    // Seven standard deviations.
    const isHalf = (count: number | undefined): boolean => Math.abs((count ?? 0) - SENT / 2) < 70;
    const quotas = [
      { mac: none, part: 0 },
      { mac: half, part: 0.5 },
    ];
    // The filter may hold so many.
    const more = Array.from({ length: 22 }, (_, index) => ({ mac: 0x04_00_00_00_00_00 + index, part: 0 }));
    const blamed = await passed({ stations: [...more, ...quotas], others: 1 });
    t.true(blamed[0] === 0 && isHalf(blamed[1]) && blamed[2] === SENT, `${blamed}`);
    const named = await passed({
      stations: [...more, { mac: none, part: 0 }, { mac: half, part: 1 }],
      others: 0.5,
    });
    t.true(named[0] === 0 && named[1] === SENT && isHalf(named[2]), `${named}`);
  });
});

live(`what a frame's arrival settles goes on at once, though nothing else happens${reason}`, async (t) => {
  await withLinks(1500, async (left, right) => {
    right.onFrame = (frame) => {
      if (frame.readUInt32BE(14) === HELLO) return;
      void Promise.resolve().then(() => right.send(numbered(right, frame.readUInt32BE(14) + 1)));
    };
    for (let value = 0; value < 50; value++) {
      const taken = take(left, 1);
      left.send(numbered(left, value));
      t.is((await taken)[0]?.readUInt32BE(14), value + 1);
    }
  });
});

live(`a frame longer than the MTU is refused${reason}`, async (t) => {
  await withLinks(1500, async (left) => {
    t.throws(() => left.send(numbered(left, 1, 1515)), { message: /longer than the MTU of 1500/ });
  });
});

live(`an interface that goes down loses frames, and serves again when it is up${reason}`, async (t) => {
  await withLinks(1500, async (left, right, { left: netns, run }) => {
    await run(netns, ['ip', 'link', 'set', 'v0', 'down']);
    t.false(left.send(numbered(left, 1)));
    t.regex(String(left.trouble), /is down/);
    await run(netns, ['ip', 'link', 'set', 'v0', 'up']);
    for (const [sender, receiver] of [
      [left, right],
      [right, left],
    ] as const) {
      await connect(sender, receiver);
      const taken = take(receiver, 1);
      t.true(sender.send(numbered(sender, 5)));
      t.is((await taken)[0]?.readUInt32BE(14), 5);
    }
  });
});

live(`an interface that is removed is reported as gone${reason}`, async (t) => {
  await withLinks(1500, async (left, _right, { left: netns, run }) => {
    await run(netns, ['ip', 'link', 'delete', 'v0']);
    const send = (): boolean => left.send(numbered(left, 1));
    // The first call may only learn that it went down.
    t.throws(() => send() || send(), { message: /the interface is gone/ });
  });
});

live(`after close no socket is left and nothing is sent${reason}`, async (t) => {
  await withWire(1500, async (wire) => {
    const link = await openPacketLink({ iface: 'v0', netns: wire.left });
    t.is(await sockets(wire, wire.left), 1);
    await link.close();
    await link.close();
    t.is(await sockets(wire, wire.left), 0);
    t.throws(() => link.send(numbered(link, 1)), { message: /closed/ });
  });
});

live(`a process whose links are closed ends by itself${reason}`, async (t) => {
  await withWire(1500, async ({ left }) => {
    const script = `
      const { openPacketLink } = await import(${JSON.stringify(new URL('../../../src/wire/link/index.js', import.meta.url).href)});
      const link = await openPacketLink({ iface: 'v0', netns: '${left}' });
      await link.close();
    `;
    const { execa } = await import('execa');
    const result = await execa(process.execPath, ['--input-type=module', '-e', script]);
    t.is(result.exitCode, 0);
    t.is(result.stderr, '');
  });
});
