import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOfFile } from '../../src/base/digest.js';
import { here } from '../../src/hosts/host/local.js';
import type { Diagnosis } from '../../src/manage/doctor/doctor.js';
import { labCli, labJson, onHost } from './support/lab-hosts.js';
import { testUnless } from './support/machine.js';
import { type LabHost, noSshLab, type SshLab, sshLab } from './support/ssh-lab.js';

/** The host's only repository has a package of ours that brings ip(8). */
async function offerIp(lab: SshLab, host: LabHost): Promise<void> {
  const tree = join(lab.folder, 'iproute2');
  await mkdir(join(tree, 'DEBIAN'), { recursive: true });
  await mkdir(join(tree, 'usr/bin'), { recursive: true });
  const { stdout } = await here.run(['sh', '-c', 'readlink -f "$(command -v ip)"']);
  await here.run(['cp', stdout.trim(), join(tree, 'usr/bin/ip')]);
  const control = `Package: iproute2\nVersion: 99\nArchitecture: amd64\nMaintainer: Test <test@example.org>\nDescription: test\n`;
  await writeFile(join(tree, 'DEBIAN', 'control'), control);
  const repository = join(host.upper, 'srv', 'repository');
  await mkdir(repository, { recursive: true });
  const deb = join(repository, 'ip.deb');
  await here.run(['dpkg-deb', '--build', '-Znone', '--root-owner-group', tree, deb]);
  const [sha256, facts] = await Promise.all([digestOfFile(deb), here.stat(deb)]);
  await writeFile(
    join(repository, 'Packages'),
    `${control}Filename: ./ip.deb\nSize: ${facts?.size}\nSHA256: ${sha256}\n`,
  );
  const apt = join(host.upper, 'etc', 'apt');
  await mkdir(apt, { recursive: true });
  await writeFile(join(apt, 'sources.list'), 'deb [trusted=yes] file:/srv/repository ./\n');
}

testUnless(noSshLab(), 'doctor of hosts: what each lacks, and what its package manager brings', async (t) => {
  t.timeout(600_000);
  const lab = await sshLab(t, ['one', 'two']);
  const two = lab.hosts[1] as LabHost;
  await two.crash();
  await offerIp(lab, two);
  await two.boot();
  onHost(t, lab, 'two', 'rm -f /usr/bin/ip /bin/ip /usr/sbin/ip /sbin/ip /usr/bin/gcc');

  const all = await labJson<(Diagnosis & { host: string; error?: object })[]>(lab, [
    ...['doctor', '--host', 'one,two,nobody.invalid'],
  ]);
  t.not(all.exitCode, 0);
  const [whole, lacking, nobody] = all.result;
  t.deepEqual([whole?.host, whole?.missing, whole?.packages], ['one', [], []]);
  t.deepEqual(lacking?.missing, [{ kind: 'command', name: 'ip', debian: 'iproute2' }]);
  t.truthy(nobody?.error);
  const fine = Object.fromEntries(whole?.checks.map((check) => [check.name, check.fine]) ?? []);
  t.like(fine, { root: true, vblade: true, 'node for native': true, filters: true, clock: true });

  const told = await labCli(lab, ['doctor', '--host', 'two']);
  t.is(told.exitCode, 3);
  t.regex(told.stderr, /missing: ip/);
  const one = await labJson<Diagnosis>(lab, ['doctor', '--host', 'two']);
  t.is(one.exitCode, 3);
  t.deepEqual(
    one.result.missing.map(({ name }) => name),
    ['ip'],
  );

  const installed = await labJson<Diagnosis>(lab, ['doctor', '--host', 'two', '--install']);
  t.is(installed.exitCode, 0, installed.stderr);
  t.deepEqual(installed.result.missing, []);
  t.regex(onHost(t, lab, 'two', 'ip -o link show san0'), /san0/);
  t.is((await labCli(lab, ['doctor', '--host', 'two', '--for', 'demo'])).exitCode, 2);
});
