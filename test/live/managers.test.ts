import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { here } from '../../src/hosts/host/local.js';
import { labCli, labJson } from './support/lab-hosts.js';
import { testUnless } from './support/machine.js';
import {
  furnish,
  installForeign,
  noPackageHost,
  offerHeaders,
  type PackageSystem,
  SYSTEMS,
  set,
} from './support/package-hosts.js';
import { noSshLab, type SshLab, sshLab } from './support/ssh-lab.js';

const RECORD = '/var/lib/aoe-lab/prepared.json';
/** What is installed, with versions, and which of the files that packages are to bring are there. */
const LIST = {
  dnf: "rpm -qa --qf '%{name} %{version}-%{release}\\n' | sort",
  zypper: "rpm -qa --qf '%{name} %{version}-%{release}\\n' | sort",
  pacman: 'pacman -Q',
};
const BROUGHT = 'ls /usr/include/libaio.h /usr/bin/ip 2> /dev/null || true';

const noLab = noSshLab();
const reasons = await Promise.all(SYSTEMS.map(async (system) => noLab ?? (await noPackageHost(system))));
const able = SYSTEMS.filter((_, index) => reasons[index] === undefined);
for (const [index, { manager }] of SYSTEMS.entries()) {
  if (reasons[index] !== undefined)
    test.skip(`packages by ${manager} (skipped: ${reasons[index]})`, () => {});
}

testUnless(
  able.length === 0 ? 'none of them can be had' : undefined,
  `packages by ${able.map(({ manager }) => manager).join(', ')}: seen, brought, refused and taken away`,
  async (t) => {
    t.timeout(600_000);
    const names = able.map(({ manager }) => manager);
    const lab = await sshLab(t, names);
    await Promise.all(
      able.map(async (system, index) => {
        const host = lab.hosts[index];
        await host?.crash();
        if (host !== undefined) await furnish(host, system);
        await host?.boot();
        await on(lab, system, set(system));
      }),
    );

    // This machine's own apt-get is on each of them too.
    const doctor = ['doctor', '--host', names.join(',')];
    const lacking = await labJson<object[]>(lab, doctor);
    t.is(lacking.exitCode, 3);
    t.like(
      lacking.result,
      able.map(({ manager, ip }) => ({ manager, packages: [ip] })),
    );
    const helped = await labCli(lab, [...doctor, '--install']);
    t.is(helped.exitCode, 0, helped.stderr);
    for (const { manager, ip } of able) {
      t.true(helped.stderr.includes(`${manager}: install ${ip} by ${manager}\n`), helped.stderr);
    }
    await Promise.all(able.map((system) => prepareAndPurge(t, lab, system)));
  },
);

async function prepareAndPurge(t: ExecutionContext, lab: SshLab, system: PackageSystem): Promise<void> {
  const { manager, ip, aio, headers } = system;
  const list = async () => (await on(lab, system, `${LIST[manager]}; ${BROUGHT}`)).trim().split('\n');
  const prepare = () => labCli(lab, ['host', 'prepare', manager, '--install', '--yes']);

  // ip is seen to be there by now. With libaio.h comes what it needs, and an old package is upgraded for it.
  const refused = await prepare();
  t.is(refused.exitCode, 1, refused.stderr);
  t.false(refused.stderr.includes(`install ${ip} `));
  t.true(refused.stderr.includes(`error install ${headers} by ${manager} on ${manager}\n`), refused.stderr);
  t.regex(refused.stderr, /(Unable to find a match|No provider of|target not found).*headers|devel/);
  t.regex(refused.stderr, /→ repositories often hold headers of the newest kernel alone/);
  const brought = ['aio-extra 1-1', 'aio-runtime 2-1', `${ip} 1-1`, `${aio} 1-1`].sort();
  t.deepEqual(await list(), [...brought, '/usr/bin/ip', '/usr/include/libaio.h']);

  // After the refusal somebody else installs something, and the headers come: Arch's for a newer kernel.
  await on(lab, system, `${installForeign(system)}; ${offerHeaders(system)}`);
  const isArch = manager === 'pacman';
  const late = await prepare();
  t.is(late.exitCode, isArch ? 3 : 0, late.stderr);
  if (isArch) t.true(late.stderr.includes(`missing: /lib/modules/${system.kernel}/build`), late.stderr);
  const { entries } = JSON.parse(await on(lab, system, `cat ${RECORD}`));
  t.deepEqual(
    entries.map(({ id, isDone, came }: { id: string; isDone: boolean; came?: string[] }) => [
      id,
      isDone,
      came?.length,
    ]),
    [
      ['folder', true, undefined],
      [`packages ${ip}`, true, 1],
      [`packages ${aio}`, true, 2],
      [`packages ${headers}`, true, 1],
    ],
  );
  // As kill -9 leaves it between an action and its being recorded: then only what was asked for is surely ours.
  if (isArch) {
    Object.assign(entries[2], { before: ['aio-runtime', ip], isDone: false });
    delete entries[2].came;
    await on(lab, system, `cat > ${RECORD}`, JSON.stringify({ version: 1, entries }));
  }

  const purged = await labCli(lab, ['host', 'remove', manager, '--purge']);
  t.is(purged.exitCode, 0, purged.stderr);
  t.deepEqual(await list(), [...(isArch ? ['aio-extra 1-1'] : []), 'aio-runtime 2-1', 'foreign 1-1']);
}

async function on(lab: SshLab, { manager }: PackageSystem, script: string, input = ''): Promise<string> {
  const config = join(lab.folder, 'home', '.ssh', 'config');
  return (await here.run(lab.inside(['ssh', '-F', config, manager, script]), { input })).stdout;
}
