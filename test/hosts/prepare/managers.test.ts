import test from 'ava';
import {
  cameIn,
  familyWords,
  isAsked,
  MANAGER_PROGRAMS,
  type Manager,
  managerOf,
  packagesIn,
  stillThere,
} from '../../../src/hosts/prepare/managers.js';

const SYSTEMS: [what: string, release: string, programs: readonly string[], Manager | undefined][] = [
  ['Debian with dnf', 'ID=debian', MANAGER_PROGRAMS, 'apt'],
  ['Mint, made of Ubuntu', 'ID=linuxmint\nID_LIKE="ubuntu debian"', MANAGER_PROGRAMS, 'apt'],
  ['Fedora with apt', 'ID=fedora', MANAGER_PROGRAMS, 'dnf'],
  ['Rocky', 'ID="rocky"\nID_LIKE="rhel centos fedora"', MANAGER_PROGRAMS, 'dnf'],
  ['Leap with dnf', 'ID="opensuse-leap"\nID_LIKE="suse opensuse"', MANAGER_PROGRAMS, 'zypper'],
  ['Manjaro', "ID=manjaro\nID_LIKE='arch'", MANAGER_PROGRAMS, 'pacman'],
  ['FreeBSD', 'ID=freebsd', ['pkg'], 'pkg'],
  ['Fedora without dnf', 'ID=fedora', ['apt-get', 'dpkg', 'rpm'], undefined],
  ['an unknown system', 'ID=own', ['zypper', 'rpm'], 'zypper'],
  ['an unknown system with an apt for rpm', 'ID=altlinux', ['apt-get', 'rpm'], undefined],
  ['nothing at all', '', [], undefined],
];
for (const [what, release, programs, expected] of SYSTEMS) {
  test(`the package manager of ${what}: ${expected ?? 'none'}`, (t) => {
    t.is(managerOf(familyWords(release), programs), expected);
  });
}

test('what package managers list', (t) => {
  t.deepEqual(packagesIn('libc6:amd64\t\tinstall\ngone\tdeinstall\n\n'), ['libc6:amd64']);
  t.deepEqual(packagesIn('bash-5.2-1.x86_64\ngpg-pubkey-a1-b2.(none)\nzlib-1-1.noarch\n'), [
    'bash-5.2-1.x86_64',
    'zlib-1-1.noarch',
  ]);
});

test('what came in: neither what was upgraded nor what is gone; a second version beside the first', (t) => {
  const before = ['a-b-1-1.x86_64', 'kernel-6.1-1.x86_64', 'gone-1-1.noarch'];
  const after = ['a-b-2-1.x86_64', 'kernel-6.1-1.x86_64', 'kernel-6.2-1.x86_64', 'c-1-1.x86_64'];
  const came = cameIn('dnf', before, after);
  t.deepEqual(came, ['kernel-6.2-1.x86_64', 'c.x86_64']);
  const later = ['kernel-6.3-1.x86_64', 'c-2-1.x86_64'];
  t.deepEqual(stillThere('dnf', came, later), ['c.x86_64']);
  // Dashes and dots of a name are no version.
  const headers = 'linux-headers-6.1.0-9-amd64';
  t.deepEqual(cameIn('apt', ['a:amd64'], ['a:amd64', headers]), [headers]);
  t.deepEqual(stillThere('pacman', ['a', 'b'], ['b', 'c']), ['b']);
});

test('what was asked for, in the words of each manager', (t) => {
  const found: [Manager, string, string][] = [
    ['apt', 'libaio-dev:amd64', 'libaio-dev'],
    ['apt', 'gcc', 'gcc'],
    ['dnf', 'gcc.x86_64', 'gcc'],
    ['dnf', 'kernel-devel-6.6.8-200.fc39.x86_64', 'kernel-devel-6.6.8-200.fc39.x86_64'],
    ['zypper', 'kernel-default-devel.x86_64', 'kernel-default-devel=6.4.0-150600.23.7'],
    ['zypper', 'kernel-default-devel-6.4.0-150600.23.7.3.x86_64', 'kernel-default-devel=6.4.0-150600.23.7'],
    ['pacman', 'gcc', 'gcc'],
  ];
  for (const [manager, came, asked] of found) t.true(isAsked(manager, came, ['other', asked]), came);
  t.false(isAsked('apt', 'gcc-12-base:amd64', ['gcc']));
  t.false(isAsked('dnf', 'gcc-c++.x86_64', ['gcc']));
});
