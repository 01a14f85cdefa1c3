import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { digestOf } from '../../../src/base/digest.js';
import { programsFolder } from '../../../src/base/files/paths.js';
import { openPacketLink } from '../../../src/wire/link/index.js';
import { makeWire, type Wire, whyNoWire } from '../link/veth.js';
import { FakeTarget } from './fake-target.js';
import { pattern } from './lab.js';

/** The commands against a fake target of this process, over a real wire. */

const main = join(programsFolder, 'aoe-lab.cjs');
const why = await whyNoWire();
const live = why === undefined ? test.serial : test.skip;
const reason = why === undefined ? '' : ` (skipped: ${why})`;

interface Outcome {
  exitCode: number | undefined;
  stdout: Buffer;
  stderr: string;
}

interface Lab {
  fake: FakeTarget;
  folder: string;
  wire: Wire;
  /** Runs a command at the other end of the wire. */
  run(argv: readonly string[], input?: Uint8Array): Promise<Outcome>;
}

async function withLab(body: (lab: Lab) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'aoe-lab-test-'));
  const wire = await makeWire();
  const link = await openPacketLink({ iface: 'v0', netns: wire.right });
  const run = async (argv: readonly string[], input?: Uint8Array): Promise<Outcome> => {
    const place = ['--iface', 'v0', '--netns', wire.left];
    const result = await execa(process.execPath, [main, ...argv, ...place], {
      reject: false,
      encoding: 'buffer',
      ...(input ? { input } : { stdin: 'ignore' as const }),
    });
    return {
      exitCode: result.exitCode,
      stdout: Buffer.from(result.stdout),
      stderr: Buffer.from(result.stderr).toString(),
    };
  };
  try {
    await body({ fake: new FakeTarget(link, { sectors: 4096 }), folder, wire, run });
  } finally {
    await link.close();
    await wire.remove();
    await rm(folder, { recursive: true });
  }
}

live(`discover: nobody there is an empty list and no failure, with hints for people${reason}`, async (t) => {
  await withLab(async ({ fake, run }) => {
    fake.deaf = true;
    const json = await run(['discover', '--wait', '30', '--json']);
    t.is(json.exitCode, 0);
    t.deepEqual(JSON.parse(json.stdout.toString()), []);
    const human = await run(['discover', '--wait', '30', '--shelf', '3']);
    t.is(human.exitCode, 0);
    t.regex(human.stdout.toString(), /^No target \(shelf 3\) answered on v0 in namespace \S+ within 30 ms/);
    t.regex(human.stdout.toString(), /does not hear its own exports .* ask from the other end/);
  });
});

live(`discover lists the target with the names that are promised${reason}`, async (t) => {
  await withLab(async ({ run }) => {
    const { stdout, exitCode } = await run(['discover', '--json']);
    t.is(exitCode, 0);
    const [found, ...others] = JSON.parse(stdout.toString()) as Record<string, unknown>[];
    t.is(others.length, 0);
    t.like(found, {
      shelf: 0,
      slot: 1,
      bufferCount: 16,
      firmware: 0x4019,
      maxSectors: 2,
      sectors: 4096,
      model: 'Fake for tests',
      serial: 'F-1',
      configString: '',
    });
    t.regex(String(found?.mac), /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
    t.regex((await run(['discover'])).stdout.toString(), /e0\.1 .* 2 MiB +Fake for tests/);
  });
});

live(`identify tells the device, and fails in bounded time where there is none${reason}`, async (t) => {
  await withLab(async ({ run }) => {
    t.like(JSON.parse((await run(['identify', 'e0.1', '--json'])).stdout.toString()), {
      shelf: 0,
      slot: 1,
      bytes: 2 << 20,
      lba48: true,
    });
    t.regex((await run(['identify', 'e0.1'])).stdout.toString(), /2 MiB \(4096 sectors\), 48-bit/);
    const none = await run(['identify', 'e9.9']);
    t.is(none.exitCode, 1);
    t.regex(none.stderr, /e9\.9 did not answer within 5 s/);
  });
});

live(`write and read by files and by pipes, at offsets${reason}`, async (t) => {
  await withLab(async ({ fake, folder, run }) => {
    const data = pattern(1 << 20);
    const [input, output] = [join(folder, 'in'), join(folder, 'out')];
    await writeFile(input, data);
    const written = await run(['write', 'e0.1', '--input', input, '--offset', '512K', '--json']);
    t.like(JSON.parse(written.stdout.toString()), {
      address: 'e0.1',
      offset: 512 << 10,
      bytes: 1 << 20,
      sha256: digestOf(data),
      flushed: true,
    });
    t.true(fake.disk.subarray(512 << 10, (512 << 10) + data.length).equals(data));
    const read = await run(['read', 'e0.1', '--offset', '512K', '--length', '1M', '--output', output]);
    t.is(read.exitCode, 0);
    t.regex(
      read.stdout.toString(),
      new RegExp(`read 1 MiB at 524288 of e0.1 .* MB/s\nsha256 ${digestOf(data)}`),
    );
    t.true((await readFile(output)).equals(data));
    t.is((await run(['write', 'e0.1'], data.subarray(0, 4096))).exitCode, 0);
    const piped = await run(['read', 'e0.1', '--length', '4K']);
    t.true(piped.stdout.equals(data.subarray(0, 4096)));
    t.regex(piped.stderr, /read 4 KiB/);
  });
});

const wrong: [title: string, argv: string[], exitCode: number, stderr: RegExp][] = [
  ['read: JSON among the data', ['read', 'e0.1', '--json'], 2, /--output/],
  ['read: an offset within a sector', ['read', 'e0.1', '--offset', '100'], 2, /not at a sector's border/],
  ['read: a length beyond the end', ['read', 'e0.1', '--length', '3M'], 2, /ends at 2097152 bytes/],
  ['read: a size that is none', ['read', 'e0.1', '--length', 'much'], 2, /such as 256M/],
  ['read: an address that is none', ['read', 'sda'], 2, /eSHELF\.SLOT/],
  ['write: a file that is not there', ['write', 'e0.1', '--input', '/nowhere/image'], 2, /ENOENT/],
  ['discover: a shelf that is no number', ['discover', '--shelf', 'x'], 2, /whole number/],
];
live(`wrong uses end with exit code 2 and say what is accepted${reason}`, async (t) => {
  await withLab(async ({ run }) => {
    for (const [title, argv, exitCode, stderr] of wrong) {
      const outcome = await run(argv);
      t.is(outcome.exitCode, exitCode, title);
      t.regex(outcome.stderr, stderr, title);
    }
  });
});

live(
  `data: an output that somebody else writes to is overwritten where that is allowed alone${reason}`,
  async (t) => {
    await withLab(async ({ fake, folder, run }) => {
      fake.disk.set(pattern(4096));
      const output = join(folder, 'image');
      await writeFile(output, 'precious');
      const holder = await open(output, 'r+');
      const read = ['read', 'e0.1', '--length', '4K', '--output', output];
      try {
        const refused = await run(read);
        t.is(refused.exitCode, 2);
        t.regex(refused.stderr, /overwriting .*image\n.*process \d+ has it open for writing/);
        t.regex(refused.stderr, /--allow in-use/);
        t.is(await readFile(output, 'utf8'), 'precious');
        const allowed = await run([...read, '--allow', 'in-use']);
        t.is(allowed.exitCode, 0);
        t.regex(allowed.stderr, /overridden: process \d+ has it open for writing/);
      } finally {
        await holder.close();
      }
      t.true((await readFile(output)).equals(pattern(4096)));
    });
  },
);

live(`an input larger than the device is refused before anything is written${reason}`, async (t) => {
  await withLab(async ({ fake, folder, run }) => {
    const input = join(folder, 'in');
    await writeFile(input, Buffer.alloc(3 << 20, 1));
    const outcome = await run(['write', 'e0.1', '--input', input]);
    t.is(outcome.exitCode, 2);
    t.true(fake.disk.equals(Buffer.alloc(fake.disk.length)));
  });
});
