import test from 'ava';
import fc from 'fast-check';
import { parseShowsrc, upstreamVersion } from '../../../src/make/debian/showsrc.js';
import { sourceLines, sourceStanzas } from '../../../src/make/debian/source-lines.js';

test('one-line format: deb becomes deb-src with its options, what is there twice stands once', (t) => {
  const text = `# the archive
deb http://deb.example.invalid/debian bookworm main  contrib # why
deb-src http://deb.example.invalid/debian bookworm main contrib
deb [ arch=amd64,i386 signed-by=/usr/share/keyrings/a.gpg trusted=yes ] https://a.example.invalid/apt ./
deb [arch=amd64] file:/srv/apt stable main
deb cdrom:[Debian GNU/Linux 12]/ bookworm main
  deb\thttp://tab.example.invalid/debian\tsid\tmain
#deb http://off.example.invalid/debian sid main
deb-nonsense http://no.example.invalid/ x y
`;
  t.deepEqual(sourceLines(text), [
    'deb-src http://deb.example.invalid/debian bookworm main contrib',
    'deb-src [ signed-by=/usr/share/keyrings/a.gpg trusted=yes ] https://a.example.invalid/apt ./',
    'deb-src file:/srv/apt stable main',
    'deb-src http://tab.example.invalid/debian sid main',
  ]);
});

test('deb822 format: enabled stanzas with all but what is of binary packages, keys of several lines too', (t) => {
  const text = `# head
Types: deb
URIs: http://deb.example.invalid/debian
# a note in between
Suites: bookworm bookworm-updates
Components: main
Architectures: amd64
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
 -----END PGP PUBLIC KEY BLOCK-----

Enabled: no
Types: deb
URIs: http://off.example.invalid/debian
Suites: sid
Components: main


types: deb deb-src
uris: http://both.example.invalid/debian
suites: sid
components: main
Trusted: yes
`;
  t.deepEqual(sourceStanzas(text), [
    `Types: deb-src
URIs: http://deb.example.invalid/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
 -----END PGP PUBLIC KEY BLOCK-----`,
    `Types: deb-src
uris: http://both.example.invalid/debian
suites: sid
components: main
Trusted: yes`,
  ]);
});

test('upstream versions', (t) => {
  const cases = {
    '25-1': '25',
    '1:25-1': '25',
    '1.0-2-3': '1.0-2',
    '25': '25',
    '2:0.9~rc1-1~bpo12+1': '0.9~rc1',
  };
  for (const [version, upstream] of Object.entries(cases)) t.is(upstreamVersion(version), upstream);
});

test('stanzas of apt-cache showsrc', (t) => {
  const text = `Package: vblade
Binary: vblade
Version: 24-1
Checksums-Sha256:
 abc 1 x

Package: vblade
Version: 25-1
`;
  t.deepEqual(parseShowsrc(text), [
    { name: 'vblade', version: '24-1' },
    { name: 'vblade', version: '25-1' },
  ]);
  t.deepEqual(parseShowsrc(''), []);
});

test('no text makes the parsers fail or yield a line that is not deb-src', (t) => {
  const line = fc.stringMatching(/^(deb|deb-src|Types: deb|URIs:|#| )[ \x21-\x7e]{0,40}$/);
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      const text = lines.join('\n');
      return (
        sourceLines(text).every((one) => one.startsWith('deb-src ')) &&
        sourceStanzas(text).every((one) => one.startsWith('Types: deb-src'))
      );
    }),
  );
  t.pass();
});
