import test from 'ava';
import { parseShow, parseSimulation } from '../../../src/make/debian/show.js';
import { suiteStanzas } from '../../../src/make/debian/suite-stanzas.js';

const list = (text: string) => ({ text, isDeb822: false });
const deb822 = (text: string) => ({ text, isDeb822: true });

test('any suite is asked for where the machine finds its own, releases with their security updates', (t) => {
  const text = `deb [arch=amd64 signed-by=/usr/share/keyrings/a.gpg trusted=yes] http://m.example.invalid/debian bookworm main contrib
deb http://s.example.invalid/debian-security bookworm-security main
deb https://nodes.example.invalid/node_20.x bookworm main
deb https://other.example.invalid/apt stable tools
`;
  const main = `Types: deb
URIs: http://m.example.invalid/debian
Suites: SUITE
Components: main
signed-by: /usr/share/keyrings/a.gpg
trusted: yes`;
  const security = `Types: deb
URIs: http://s.example.invalid/debian-security
Suites: bullseye-security
Components: main`;
  t.deepEqual(suiteStanzas([list(text)], 'bullseye'), [main.replace('SUITE', 'bullseye'), security]);
  for (const suite of ['sid', 'trixie-backports']) {
    t.deepEqual(suiteStanzas([list(text)], suite), [main.replace('SUITE', suite)]);
  }
});

test('a mirror of another name is taken where nothing looks more like one', (t) => {
  t.deepEqual(suiteStanzas([list('deb file:/srv/mirror stable main')], 'sid'), [
    'Types: deb\nURIs: file:/srv/mirror\nSuites: sid\nComponents: main',
  ]);
});

test('deb822 stanzas: keys of several lines come along, disabled ones and media do not', (t) => {
  const text = `# the archive
Types: deb deb-src
URIs: http://m.example.invalid/debian/
Suites: trixie trixie-updates
Components: main contrib
Architectures: amd64
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc

Types: deb
URIs: http://off.example.invalid/debian
Suites: trixie
Components: main
Enabled: no

Types: deb
URIs: cdrom:[Debian]/debian
Suites: trixie
Components: main
`;
  t.deepEqual(suiteStanzas([deb822(text)], 'sid'), [
    `Types: deb
URIs: http://m.example.invalid/debian/
Suites: sid
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc`,
  ]);
});

test('a machine without an archive of Debian has none of its suites', (t) => {
  t.deepEqual(suiteStanzas([list('deb http://a.example.invalid/ubuntu noble main')], 'sid'), []);
  t.deepEqual(suiteStanzas([list('deb http://a.example.invalid/debian bookworm contrib')], 'sid'), []);
  t.deepEqual(suiteStanzas([], 'sid'), []);
});

test('stanzas of apt-cache show: of alternatives the first, nothing without a digest', (t) => {
  const sha256 = 'a'.repeat(64);
  const text = `Package: linux-headers-6.12.9-amd64
Version: 6.12.9-1
Pre-Depends: base
Depends: one (>= 4.12~), two-1+x | three, gcc-14:amd64 <!nocheck>
Size: 17
SHA256: ${sha256}

Package: virtual
Version: 1

Package: broken
Version: 1
Size: 1
SHA256: abc
`;
  t.deepEqual(parseShow(text), [
    {
      name: 'linux-headers-6.12.9-amd64',
      version: '6.12.9-1',
      sha256,
      size: 17,
      depends: ['base', 'one', 'two-1+x', 'gcc-14'],
    },
  ]);
});

test('what apt would install', (t) => {
  const text =
    'Inst libc6 (2.36-9 Debian:12/stable [amd64]) []\nConf libc6 (2.36-9)\nInst fio (3.33-3 Debian)\n';
  t.deepEqual(parseSimulation(text), ['libc6', 'fio']);
});
