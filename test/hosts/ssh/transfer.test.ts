import { mkdir, mkdtemp, open, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { SshHost } from '../../../src/hosts/ssh/host.js';
import { ConnectionLostError } from '../../../src/hosts/ssh/lost.js';
import { PIECE, Sftp } from '../../../src/hosts/ssh/sftp.js';
import { noSshd, Sshd } from './sshd.js';

const reason = noSshd();
const OFFERED = 'Subsystem sftp internal-sftp';
const ways = { SFTP: [OFFERED], 'the shell': [] };

/** Files that went by SFTP. */
let count = 0;
const { write, read } = Sftp.prototype;
Sftp.prototype.write = async function (...args) {
  await write.apply(this, args);
  count += 1;
};
Sftp.prototype.read = async function* (...args) {
  yield* read.apply(this, args);
  count += 1;
};

interface Place {
  host: SshHost;
  sshd: Sshd;
  /** On both sides. */
  folder: string;
}

async function withHost(
  t: ExecutionContext,
  settings: readonly string[],
  body: (place: Place) => Promise<void>,
) {
  const folder = await mkdtemp(join(tmpdir(), 'aoe-lab-transfer-'));
  const sshd = new Sshd(settings);
  const host = new SshHost(sshd.options());
  t.teardown(async () => {
    await host.close();
    sshd.stop();
    await rm(folder, { recursive: true, force: true });
  });
  await body({ host, sshd, folder });
}

/** By both ways; each proves which one it was. */
function run(title: string, body: (t: ExecutionContext, place: Place) => Promise<void>): void {
  for (const [way, settings] of Object.entries(ways)) {
    if (reason !== undefined) test.skip(`${title}, by ${way} (skipped: ${reason})`, () => {});
    else {
      test.serial(`${title}, by ${way}`, (t) =>
        withHost(t, settings, async (place) => {
          count = 0;
          await body(t, place);
          t.is(count > 0, way === 'SFTP');
        }),
      );
    }
  }
}

/** Bytes that tell where they stood. */
function content(size: number): Buffer {
  const data = Buffer.alloc(size);
  for (let at = 0; at + 4 <= size; at += 4) data.writeUInt32LE(at, at);
  return data;
}

run('put and get: files of odd sizes and names', async (t, { host, folder }) => {
  const sizes = [0, 1, PIECE - 1, PIECE, 3 * PIECE, 2_000_001];
  const names = ["a 'file'", '-dash\n', '$(id) `id`', 'é💾', '*', '"\\'];
  for (const [index, size] of sizes.entries()) {
    const name = names[index] as string;
    const [local, far, back] = [join(folder, name), join(folder, 'made', name), join(folder, 'back', name)];
    const bytes = content(size);
    await writeFile(local, bytes, { mode: 0o750 });
    for (const copy of [() => host.put(local, far), () => host.get(far, back)]) await copy();
    t.true(bytes.equals(await readFile(far)), name);
    t.true(bytes.equals(await readFile(back)), name);
    t.is((await stat(far)).mode & 0o777, 0o750);
  }
  for (const place of ['made', 'back']) {
    t.deepEqual((await readdir(join(folder, place))).sort(), [...names].sort());
  }
});

run('put and get: a folder, links, what is there or not', async (t, { host, folder }) => {
  const tree = join(folder, 'tree');
  await mkdir(join(tree, 'sub', 'none'), { recursive: true });
  await writeFile(join(tree, 'sub', "a 'file'"), content(100_000), { mode: 0o750 });
  await symlink("sub/a 'file'", join(tree, 'link'));
  await host.put(tree, join(folder, 'made', 'tree'));
  await host.get(join(folder, 'made', 'tree'), join(folder, 'back', 'tree'));
  t.true(content(100_000).equals(await readFile(join(folder, 'back', 'tree', 'link'))));
  t.deepEqual((await readdir(join(folder, 'back', 'tree', 'sub'))).sort(), ["a 'file'", 'none']);
  await t.throwsAsync(host.put(tree, join(folder, 'made', 'tree')), { message: /is there already/ });
  await t.throwsAsync(host.put(join(tree, 'link'), join(folder, 'made', 'tree')), {
    message: /is there already/,
  });
  await t.throwsAsync(host.get(join(folder, 'none'), join(folder, 'back', 'none')), { code: 'ENOENT' });
  await t.throwsAsync(host.put(join(folder, 'none'), join(folder, 'made', 'x')), { code: 'ENOENT' });
  // A link is followed where it is read and replaced where it is written.
  await symlink(join(tree, 'sub', "a 'file'"), join(folder, 'made', 'link'));
  await host.get(join(folder, 'made', 'link'), join(folder, 'back', 'file'));
  t.true(content(100_000).equals(await readFile(join(folder, 'back', 'file'))));
  await writeFile(join(folder, 'other'), 'other');
  await host.put(join(folder, 'other'), join(folder, 'made', 'link'));
  t.is(await readFile(join(folder, 'made', 'link'), 'utf8'), 'other');
  t.is((await stat(join(tree, 'sub', "a 'file'"))).size, 100_000);
  // Files that say they are empty.
  await host.get('/proc/version', join(folder, 'back', 'version'));
  t.is(await readFile(join(folder, 'back', 'version'), 'utf8'), await readFile('/proc/version', 'utf8'));
  t.deepEqual((await readdir(join(folder, 'made'))).sort(), ['link', 'tree']);
  t.deepEqual((await readdir(join(folder, 'back'))).sort(), ['file', 'tree', 'version']);
});

run('progress is told up to the last byte', async (t, { host, folder }) => {
  const size = 3_000_000;
  await writeFile(join(folder, 'file'), content(size));
  const put: number[] = [];
  const got: number[] = [];
  const told = (list: number[]) => ({
    onProgress: (done: number, total: number) => {
      t.is(total, size);
      list.push(done);
    },
  });
  await host.put(join(folder, 'file'), join(folder, 'far'), told(put));
  await host.get(join(folder, 'far'), join(folder, 'back'), told(got));
  for (const list of [put, got]) {
    t.deepEqual(
      list,
      [...new Set(list)].sort((a, b) => a - b),
    );
    t.true(list.length > 10);
    t.is(list.at(-1), size);
  }
});

run('called off half way: nothing is left on either side', async (t, { host, folder }) => {
  const size = 12_000_000;
  await writeFile(join(folder, 'file'), content(size));
  for (const copy of ['put', 'get'] as const) {
    const stop = new AbortController();
    const reason = new Error('no longer wanted');
    const onProgress = (done: number): void => {
      if (done > size / 2) stop.abort(reason);
    };
    const way = host[copy](join(folder, 'file'), join(folder, 'made', 'file'), {
      onProgress,
      signal: stop.signal,
    });
    t.is(await t.throwsAsync(way), reason);
    t.deepEqual(await readdir(join(folder, 'made')), []);
    const before = host.get(join(folder, 'file'), join(folder, 'made', 'x'), { signal: stop.signal });
    t.is(await t.throwsAsync(before), reason, 'before it began');
  }
  await host.put(join(folder, 'file'), join(folder, 'made', 'file'));
  t.true(content(size).equals(await readFile(join(folder, 'made', 'file'))));
});

run('the connection breaks half way: said, removed, and made anew', async (t, { host, sshd, folder }) => {
  const size = 12_000_000;
  await writeFile(join(folder, 'file'), content(size));
  await mkdir(join(folder, 'made'));
  for (const copy of ['put', 'get'] as const) {
    let isCut = false;
    const onProgress = (done: number): void => {
      if (isCut || done < size / 2) return;
      isCut = true;
      for (const child of sshd.started) child.kill('SIGKILL');
    };
    await t.throwsAsync(host[copy](join(folder, 'file'), join(folder, 'made', 'file'), { onProgress }), {
      instanceOf: ConnectionLostError,
    });
    t.deepEqual(await readdir(join(folder, 'made')), []);
  }
  await host.put(join(folder, 'file'), join(folder, 'made', 'file'));
  t.true(content(size).equals(await readFile(join(folder, 'made', 'file'))));
});

run('a file that is written to meanwhile is no copy', async (t, { host, folder }) => {
  const size = 6_000_000;
  await writeFile(join(folder, 'file'), content(size));
  let writing: Promise<void> | undefined;
  const write = async (): Promise<void> => {
    const file = await open(join(folder, 'file'), 'r+');
    await file.write('changed', 0);
    await file.close();
  };
  const onProgress = (): void => {
    writing ??= write();
  };
  const copy = host.get(join(folder, 'file'), join(folder, 'back'), { onProgress });
  await t.throwsAsync(copy, { message: /written to meanwhile/ });
  await writing;
  t.deepEqual(await readdir(folder), ['file']);
});

run('many at once, on one connection', async (t, { host, sshd, folder }) => {
  const numbers = Array.from({ length: 12 }, (_, index) => index);
  for (const number of numbers) await writeFile(join(folder, `${number}`), content(number * 100_000));
  await host.run(['true']);
  await Promise.all(
    numbers.map((number) => host.put(join(folder, `${number}`), join(folder, `far-${number}`))),
  );
  await Promise.all(
    numbers.map((number) => host.get(join(folder, `far-${number}`), join(folder, `back-${number}`))),
  );
  for (const number of numbers) {
    t.true(content(number * 100_000).equals(await readFile(join(folder, `back-${number}`))));
  }
  t.is(sshd.started.length, 1);
});

/** What stands in its place, and whether a file gets through all the same. */
const others = {
  'another program': ['Subsystem sftp /bin/false'],
  'a program that repeats what it hears': ['Subsystem sftp /bin/cat'],
  'a program that talks much': ['Subsystem sftp /usr/bin/seq 1 100000'],
  'a program that is not there': ['Subsystem sftp /nowhere/sftp-server'],
  'a server that only reads': ['Subsystem sftp internal-sftp -R'],
  'no request that opens files': ['Subsystem sftp internal-sftp -P open'],
  'a command for all': ['Subsystem sftp internal-sftp', 'ForceCommand sh -c "$SSH_ORIGINAL_COMMAND"'],
};

for (const [what, settings] of Object.entries(others)) {
  const title = `where SFTP is no good, files go by the shell: ${what}`;
  if (reason !== undefined) test.skip(`${title} (skipped: ${reason})`, () => {});
  else {
    test.serial(title, (t) =>
      withHost(t, settings, async ({ host, folder }) => {
        await writeFile(join(folder, 'file'), content(1_000_000));
        count = 0;
        for (const name of ['one', 'two']) {
          await host.put(join(folder, 'file'), join(folder, 'made', name));
          await host.get(join(folder, 'made', name), join(folder, 'back', name));
          t.true(content(1_000_000).equals(await readFile(join(folder, 'back', name))));
        }
        t.deepEqual((await readdir(join(folder, 'made'))).sort(), ['one', 'two']);
        t.is(count, 0);
      }),
    );
  }
}

if (reason !== undefined) test.skip(`two channels only (skipped: ${reason})`, () => {});
else {
  test.serial('where sshd takes two channels only, SFTP makes room for commands', (t) =>
    withHost(t, [OFFERED, 'MaxSessions 2'], async ({ host, folder }) => {
      count = 0;
      await mkdir(join(folder, 'tree'));
      await writeFile(join(folder, 'tree', 'file'), content(1_000_000));
      await host.put(join(folder, 'tree', 'file'), join(folder, 'far'));
      t.is(count, 1);
      await host.put(join(folder, 'tree'), join(folder, 'made'));
      await host.get(join(folder, 'made', 'file'), join(folder, 'back'));
      t.true(content(1_000_000).equals(await readFile(join(folder, 'back'))));
      t.is(count, 1);
    }),
  );
}
