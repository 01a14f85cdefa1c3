/** Set-ups of a host, over SSH: files of every form where they usually lie, and processes that somebody started by hand. */
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LeftOut } from '../../src/manage/import/found.js';
import type { Lab } from '../../src/manage/lab/lab.js';
import { parseLab } from '../../src/manage/lab/load.js';
import { cli } from './support/cli.js';
import { builtVblade, testUnless } from './support/machine.js';
import { noSshLab, type SshLab, sshLab } from './support/ssh-lab.js';

const vblade = await builtVblade();
const reason = noSshLab() ?? ('reason' in vblade ? vblade.reason : undefined);
const binary = 'path' in vblade ? vblade.path : '';

const MAC = '02:00:00:00:00:01';
const fragment = (slot: number, more = ''): string =>
  `shelf=1\nslot=${slot}\nnetif=san0\nfilename=/srv/${slot}.img\n${more}\n`;

const FILES: Record<string, string> = {
  '/etc/vblade.conf.d/a.conf': fragment(1, `options='-r -m ${MAC}'`),
  '/etc/vblade.conf.d/b.conf': fragment(2, 'options="-r -m $ALLOWED"'),
  '/etc/vblade.conf': `# a table\nsan0 2 1 /srv/t.img ${MAC} # guests\n`,
  '/etc/conf.d/vblade': 'config_vblade0="3 1 san0 /srv/g.img"\n',
  '/etc/config/vblade':
    "config vblade\n\toption shelf '4'\n\toption slot '1'\n\toption netif 'san0'\n\toption device '/srv/o.img'\n",
  '/etc/systemd/system/aoe.service': '[Service]\nExecStart=/usr/sbin/vblade -r 5 1 san0 /srv/u.img\n',
  '/etc/systemd/system/off.service': '[Service]\nExecStart=/usr/sbin/vblade 5 2 san0 /srv/off.img\n',
  '/etc/rc.local': `#!/bin/sh\n[ -e /srv/no ] && vblade 6 9 san0 /srv/no &\nvbladed 6 1 san0 /srv/r.img -m ${MAC}\nkvadd 6 2 san0 /dev/vg/k\nexit 0\n`,
  '/var/lib/vblade-persist/vblades/e7.1/env/SHELF': '7\n',
  '/var/lib/vblade-persist/vblades/e7.1/env/SLOT': '1\n',
  '/var/lib/vblade-persist/vblades/e7.1/env/NETIF': 'san0\n',
  '/var/lib/vblade-persist/vblades/e7.1/env/SOURCE': '/srv/p.img\n',
  [`/var/lib/vblade-persist/vblades/e7.1/macs/${MAC}`]: '',
  '/etc/ggaoed.conf': '[d]\nshelf=8\nslot=1\npath=/srv/gg.img\nread-only=true\n',
  '/etc/qaoed.conf':
    'logger screen {\n  type screen\n}\ndevice /dev/sdb {\n  shelf 9\n  slot 1\n  interface san0\n}\n',
};

interface Report {
  lab: Lab;
  leftOut: LeftOut[];
  remarks: { file: string; text: string }[];
}

function ssh(lab: SshLab, words: readonly string[], input: string | Buffer = ''): string {
  const config = join(lab.folder, 'home', '.ssh', 'config');
  const [program = '', ...args] = lab.inside(['ssh', '-F', config, 'one', ...words]);
  const { stdout, stderr, status } = spawnSync(program, args, { encoding: 'utf8', input });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

async function imported(lab: SshLab): Promise<Report> {
  const { stdout, stderr, exitCode } = await cli(['import', '--host', 'one', '--json'], lab.env, lab);
  if (exitCode !== 0) throw new Error(`${exitCode}: ${stderr}`);
  return JSON.parse(stdout) as Report;
}

testUnless(reason, 'E: every form on a host over SSH, and nothing of it wider', async (t) => {
  const lab = await sshLab(t, ['one']);
  const script = Object.entries(FILES)
    .map(([path, text]) => `mkdir -p "$(dirname ${path})"; printf %s ${quote(text)} > ${path}`)
    .join('\n');
  const more = [
    'mkdir -p /etc/systemd/system/multi-user.target.wants',
    'ln -s ../aoe.service /etc/systemd/system/multi-user.target.wants/aoe.service',
    'ln -s /nowhere /etc/vblade.conf.d/link.conf',
    'ip link add br7 type bridge; ip link set br7 up; ip link add p7 type veth peer name q7',
    'ip link set p7 master br7; ip link set p7 up',
  ];
  ssh(lab, ['sh -e'], `${script}\n${more.join('\n')}\n`);
  const { lab: made, leftOut, remarks } = await imported(lab);
  const told = made.exports.map(({ address, iface, file, options }) => [
    address.shelf,
    address.slot,
    iface,
    file,
    options,
  ]);
  const others = told.filter(([shelf]) => shelf !== 8);
  t.deepEqual(others, [
    [1, 1, 'san0', '/srv/1.img', { readOnly: true, macs: [MAC] }],
    [2, 1, 'san0', '/srv/t.img', { macs: [MAC] }],
    [3, 1, 'san0', '/srv/g.img', {}],
    [4, 1, 'san0', '/srv/o.img', {}],
    [7, 1, 'san0', '/srv/p.img', { macs: [MAC] }],
    [5, 1, 'san0', '/srv/u.img', { readOnly: true }],
    [6, 1, 'san0', '/srv/r.img', { macs: [MAC] }],
    [6, 2, 'san0', '/dev/vg/k', {}],
  ]);
  const interfaces = told.filter(([shelf]) => shelf === 8).map(([, , iface]) => iface);
  t.true(interfaces.includes('san0') && interfaces.includes('br7'), String(interfaces));
  t.deepEqual(
    interfaces.filter((iface) => ['lo', 'p7', 'q7'].includes(iface as string)),
    [],
  );
  t.true(made.exports.every(({ allow }) => allow === undefined));
  const missing = leftOut.map(({ shelf, slot, reason: why }) => `${shelf}.${slot} ${why}`).join('\n');
  for (const words of [/^1\.2 .*\$ALLOWED/m, /^5\.2 its unit is not enabled/m, /^6\.9 it depends on/m])
    t.regex(missing, words);
  t.is(leftOut.length, 3, missing);
  const said = remarks.map(({ file, text }) => `${file} ${text}`).join('\n');
  t.regex(said, /link\.conf it leads to no file/);
  t.regex(said, /qaoed\.conf this is no qaoed\.conf/);
  const output = join(lab.folder, 'lab.yaml');
  const written = await cli(['import', '--host', 'one', '-o', output], lab.env, lab);
  t.is(written.exitCode, 0, written.stderr);
  const text = await readFile(output, 'utf8');
  t.true('lab' in parseLab('lab.yaml', text), text);
});

testUnless(
  reason,
  'E: a vblade that somebody started is imported as it runs, unless it serves another file than its name means; hostile: nothing that is only called so',
  async (t) => {
    const lab = await sshLab(t, ['one']);
    ssh(lab, ['cat > /usr/sbin/vblade && chmod +x /usr/sbin/vblade'], await readFile(binary));
    const start = [
      'cd /srv; truncate -s 1M a.img b.img c.img',
      `setsid vblade -r -m ${MAC} 0 1 san0 /srv/a.img > /dev/null 2>&1 < /dev/null &`,
      'setsid vblade 0 2 san0 b.img > /dev/null 2>&1 < /dev/null &',
      'setsid vblade 0 3 san0 /srv/c.img > /dev/null 2>&1 < /dev/null &',
      // hostile: what anybody calls vblade, and what serves nothing.
      'cp "$(readlink -f /bin/sh)" vblade; chmod 755 . vblade; echo "sleep 600; :" > 0; chmod 644 0',
      'setsid setpriv --reuid 12345 --regid 12345 --clear-groups ./vblade 0 4 san0 /srv/a.img > /dev/null 2>&1 < /dev/null &',
      'setsid ./vblade 0 5 san0 /srv/a.img > /dev/null 2>&1 < a.img &',
      'until [ "$(pgrep -xc vblade)" = 5 ] && grep -q 88a2 /proc/net/packet; do :; done; sleep 0.3',
      'mv c.img old.img; truncate -s 1M c.img',
    ];
    ssh(lab, ['sh'], `${start.join('\n')}\n`);
    const { lab: made, leftOut } = await imported(lab);
    const told = made.exports.map(({ address, iface, file, options, persist }) => [
      address.slot,
      iface,
      file,
      options,
      persist,
    ]);
    t.deepEqual(told, [
      [1, 'san0', '/srv/a.img', { readOnly: true, macs: [MAC] }, undefined],
      [2, 'san0', '/srv/b.img', {}, undefined],
    ]);
    const [other, ...more] = leftOut.filter(({ slot }) => slot === 3);
    t.like([other, ...more], [{ slot: 3, path: '/srv/c.img' }]);
    t.regex(other?.reason ?? '', /serves another file than what \/srv\/c\.img is now/);
    const reasons = leftOut.map(({ reason: why }) => why).join('\n');
    t.regex(reasons, /^the process \d+ is user 12345's, who may call it what he likes$/m);
    t.regex(reasons, /^the process \d+: it has no socket for AoE$/m);
    t.is(leftOut.length, 3, reasons);
  },
);

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
