/** Values that people and scripts give by mistake or with intent, by what they are mistaken for. */

/** Each would run `touch pwned` if a shell saw it. */
const SHELL = [
  '$(touch pwned)',
  '`touch pwned`',
  ';touch pwned',
  "';touch pwned;'",
  '-oProxyCommand=touch pwned',
  '|touch pwned',
];

const CHARACTERS = [
  '\x1b[31mred',
  '\x1b]0;title\x07',
  '\x9b2J',
  '\u202etxt.exe',
  '\u2066x\u2069',
  'a\nb',
  'a\tb',
  'a\rb',
  'a\0b',
  '\u2028',
  '\ufeff',
  '\ud800',
  '\x7f',
  '\u{e0041}',
  '磁盘',
  'e\u0301',
  '💾',
];

const WORDS = [
  '',
  ' ',
  '-',
  '--',
  '-x',
  '--nope',
  '.',
  '..',
  '/',
  '../../x',
  '\\',
  '"',
  "'",
  '{{x}}',
  '%n%s',
  '*',
  '@',
  ',',
  'a,,b',
  '=',
  'a=',
  '=b',
  'a b',
  'null',
  'true',
  'constructor',
  '__proto__',
  'toString',
  'x'.repeat(300),
  'x/'.repeat(3000),
];

const NUMBERS = [
  '-1',
  '-0',
  '0',
  '00',
  '1',
  '1.5',
  '1e3',
  '1e999',
  '0x10',
  'NaN',
  'Infinity',
  '-Infinity',
  '255',
  '256',
  '65535',
  '65536',
  '4294967296',
  '9007199254740993',
  '99999999999999999999999999',
  '４',
  '1_000',
  ' 1',
  '1 ',
  '+1',
];

const SIZES = [
  '1Z',
  '-1M',
  '1.0000001K',
  '9999999P',
  'M',
  '1 MB',
  '1e3K',
  '0.1',
  '513',
  '1,5M',
  '16777216T',
  '8P',
];

const ADDRESSES = [
  'e0.1',
  '0.1',
  'e-1.0',
  'e65535.0',
  'e0.255',
  'e65534.254',
  'e99999.99999',
  'e0.1@nope0',
  'e0.1@nope0%nope',
  'e0.1@',
  'e0.1%',
  'e0',
  'e0.1.2',
  'E0.1',
  'e0.1 ',
  'e٠.١',
];

const LISTS = [
  '0,1',
  '1,2,x',
  '1-3',
  'native,native',
  'native@',
  '@1',
  'vblade@nope',
  'vblade=x',
  'read/write',
  '70/31',
  '101/-1',
  '0/0',
];

const KNOWN = ['native', 'vblade', 'ggaoed', 'qaoed', 'kvblade', 'sqaoed'];

const HOSTS = [
  'nope.invalid',
  '127.0.0.1:1',
  'x@127.0.0.1:1',
  '127.0.0.1:0',
  '127.0.0.1:65536',
  '[::1]:1',
  '[::1',
  'ssh://127.0.0.1:1',
  'a@b@c',
  ':22',
  '-x@127.0.0.1:1',
];

const KERNELS = ['6.1', '9.9', 'SUITE/', '/', '../6.1', '6.1/../..', 'bookworm/1.2.3'];

const MACS = [
  '00:11:22:33:44:55',
  '00-11-22-33-44',
  '001122334455',
  '0011.2233.4455',
  'zz:zz:zz:zz:zz:zz',
  ',',
];

const WHERE = [
  'http://127.0.0.1:1/x.tgz',
  'http://[::1',
  'https://',
  'file:///etc/passwd',
  'git+ssh://x',
  'svn://127.0.0.1:1/x',
  'javascript:x',
];

export const ODD_VALUES: readonly string[] = [
  ...SHELL,
  ...CHARACTERS,
  ...WORDS,
  ...NUMBERS,
  ...SIZES,
  ...ADDRESSES,
  ...LISTS,
  ...KNOWN,
  ...HOSTS,
  ...KERNELS,
  ...MACS,
  ...WHERE,
];
