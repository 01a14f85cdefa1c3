/**
 * Whatever is done to exports and files in whatever order, by commands that are killed too: an initiator's bytes reach the
 * file that was named and identified and no other, and nothing disappears that the tool did not make.
 */
import {
  type FileHandle,
  open,
  readdir,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { here } from '../../src/hosts/host/local.js';
import type { StatusReport } from '../../src/serve/exports/status-report.js';
import { detachLoop } from '../../src/serve/storage/loop.js';
import { cli, jsonHere } from './support/cli.js';
import { askFrom, exportOn } from './support/export.js';
import { LONG, noRoot, testUnless } from './support/machine.js';
import { type TestWire, testWire } from './support/wire.js';

const NAMES = ['a.img', 'b.img', 'link.img', 'made.img'] as const;
const SIZE = 1 << 20;
/** Bytes at the beginning that are compared. */
const HEAD = 4096;

const name = fc.constantFrom(...NAMES);
const slot = fc.constantFrom(1, 2);
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('export' as const),
      slot,
      name,
      loop: fc.boolean(),
      kill: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('write' as const), slot }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('restart' as const), kill: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('unexport' as const),
      slot,
      remove: fc.boolean(),
      kill: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('replace' as const),
      name: fc.constantFrom('a.img', 'b.img', 'made.img'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('rename' as const), name: fc.constantFrom('a.img', 'made.img') }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('relink' as const), to: fc.constantFrom('a.img', 'b.img') }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('detach' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

interface Known {
  handle: FileHandle;
  /** What its beginning may be. */
  contents: Set<string>;
  /** Whether the test made it: then it stays, wherever it is moved, until the test removes it. */
  isForeign: boolean;
}

/** All files there ever were, by inode, and which of them an initiator may reach at which address. */
class World {
  readonly wire: TestWire;
  readonly files = new Map<number, Known>();
  readonly reach = new Map<number, { name: string; inodes: Set<number> }>();
  #count = 0;

  constructor(wire: TestWire) {
    this.wire = wire;
  }

  path(one: string): string {
    return join(this.wire.folder, one);
  }

  async make(one: string): Promise<void> {
    const path = this.path(one);
    await writeFile(path, `file ${this.#count++}`, { flag: 'wx' });
    await truncate(path, SIZE);
    await this.know(one, true);
  }

  async inode(one: string): Promise<number | undefined> {
    return (await stat(this.path(one)).catch(() => undefined))?.ino;
  }

  /** Takes note of a file, and keeps it open: its inode is nobody else's as long as that lasts. */
  async know(one: string, isForeign: boolean): Promise<void> {
    const inode = await this.inode(one);
    if (inode === undefined || this.files.has(inode)) return;
    const handle = await open(this.path(one), 'r');
    this.files.set(inode, { handle, contents: new Set([await head(handle)]), isForeign });
  }

  async run(args: string[], kill: boolean): Promise<number | null> {
    const { exitCode } = await cli(args, this.wire.env, kill ? { killAfter: Math.random() * 1500 } : {});
    return exitCode;
  }

  async take(one: Step): Promise<void> {
    switch (one.do) {
      case 'export': {
        const args = exportOn(this.wire, 'native', one.slot, ...(one.loop ? ['--loop'] : []));
        args[args.indexOf('--file') + 1] = this.path(one.name);
        if (one.name === 'made.img') args.push('--size', String(SIZE));
        const before = this.reach.get(one.slot);
        const code = await this.run(args, one.kill);
        await this.know(one.name, false);
        const inode = await this.inode(one.name);
        if (before === undefined && inode !== undefined && code !== 2) {
          this.reach.set(one.slot, { name: one.name, inodes: new Set([inode]) });
        }
        return;
      }
      case 'restart': {
        await this.run(['restart', '--all'], one.kill);
        for (const { name: named, inodes } of this.reach.values()) {
          const now = await this.inode(named);
          if (now !== undefined) inodes.add(now);
        }
        return;
      }
      case 'unexport': {
        const more = one.remove ? ['--remove-file'] : [];
        const code = await this.run(['unexport', `e0.${one.slot}`, '--force', ...more], one.kill);
        if (code === 0) this.reach.delete(one.slot);
        return;
      }
      case 'write': {
        const text = `written ${this.#count++}`.padEnd(512, '.');
        const input = this.path('input');
        await writeFile(input, text);
        const reach = this.reach.get(one.slot);
        const allowed = new Set(reach?.inodes);
        // A target that waits for its file opens what the name means when it is there.
        const now = reach && (await this.inode(reach.name));
        if (now !== undefined) allowed.add(now);
        for (const inode of allowed) {
          const known = this.files.get(inode);
          for (const content of [...(known?.contents ?? [])]) known?.contents.add(text + content.slice(512));
        }
        await cli(['write', `e0.${one.slot}`, ...askFrom(this.wire), '--input', input], this.wire.env);
        return;
      }
      case 'replace': {
        const fresh = `fresh ${this.#count}`;
        await this.make(fresh);
        await this.forget(one.name);
        return rename(this.path(fresh), this.path(one.name));
      }
      case 'rename':
        if ((await this.inode(one.name)) === undefined) return;
        return rename(this.path(one.name), this.path(`${one.name}.${this.#count++}`));
      case 'relink':
        await rm(this.path('link.img'), { force: true });
        return symlink(one.to, this.path('link.img'));
      case 'detach': {
        const { exports } = await jsonHere<StatusReport>(['status'], this.wire.env);
        for (const { device } of exports)
          if (device !== undefined) await detachLoop(here, device).catch(() => {});
      }
    }
  }

  /** The test itself is about to remove what has a name. */
  async forget(one: string): Promise<void> {
    const known = this.files.get((await this.inode(one)) ?? -1);
    if (known !== undefined) known.isForeign = false;
  }

  /** @returns what must not be */
  async faults(): Promise<string[]> {
    const names = await readdir(this.wire.folder);
    const there = new Set(await Promise.all(names.map(async (one) => this.inode(one))));
    const faults: string[] = [];
    for (const [inode, { handle, contents, isForeign }] of this.files) {
      if (isForeign && !there.has(inode)) faults.push(`file ${inode} disappeared`);
      const now = await head(handle);
      if (!contents.has(now)) faults.push(`file ${inode} holds ${now.slice(0, 40)}`);
    }
    return faults;
  }

  async close(): Promise<void> {
    for (const { handle } of this.files.values()) await handle.close();
  }
}

async function head(handle: FileHandle): Promise<string> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD), 0, HEAD, 0);
  return buffer.subarray(0, bytesRead).toString('latin1');
}

testUnless(
  noRoot(),
  'over random exports, renamings, replacements, relinks, detached loops, restarts, ends and kills no byte goes astray and nothing disappears',
  async (t) => {
    t.timeout(LONG ? 3_000_000 : 600_000);
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: LONG ? 12 : 7 }), async (steps) => {
        const wire = await testWire(t);
        const world = new World(wire);
        try {
          for (const one of ['a.img', 'b.img']) await world.make(one);
          await symlink('a.img', world.path('link.img'));
          for (const one of steps) {
            await world.take(one);
            t.deepEqual(await world.faults(), [], JSON.stringify(one));
          }
          await world.run(['unexport', '--all', '--force'], false);
          t.deepEqual(await world.faults(), []);
        } finally {
          await world.close();
        }
      }),
      { numRuns: LONG ? 40 : 3, endOnFailure: true },
    );
  },
);
