/**
 * Texts of strangers (answers of hosts over SSH, files that are imported, lab.yaml, recipes, state files): each reader ends, with a
 * result or an error that is no fault of aoe-lab, and what a person would be told of it obeys no terminal.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { LabError } from '../../src/base/errors.js';
import { escapeText } from '../../src/base/escape.js';
import { packageRoot } from '../../src/base/files/paths.js';
import { paint } from '../../src/face/ui/colors.js';
import { describeError } from '../../src/face/ui/errors.js';
import { readNetworkFiles } from '../../src/hosts/at-boot/survey.js';
import { interfacesFrom } from '../../src/hosts/host/interface.js';
import { parseLinks } from '../../src/hosts/host/links.js';
import { here } from '../../src/hosts/host/local.js';
import { readSurvey } from '../../src/hosts/prepare/survey.js';
import { parseKnownHosts } from '../../src/hosts/ssh/client/known-hosts.js';
import { RecipeError } from '../../src/make/recipe/load.js';
import { parseRecipe } from '../../src/make/recipe/parse.js';
import { parseLook } from '../../src/manage/ansible/look.js';
import { parseAoeserver } from '../../src/manage/import/aoeserver.js';
import { parseConfD } from '../../src/manage/import/conf-d.js';
import type { Found } from '../../src/manage/import/found.js';
import { parseGgaoed } from '../../src/manage/import/ggaoed.js';
import { parseQaoed } from '../../src/manage/import/qaoed.js';
import { parseTable } from '../../src/manage/import/table.js';
import { parseUci } from '../../src/manage/import/uci.js';
import { parseUnit } from '../../src/manage/import/unit.js';
import { parseVblade } from '../../src/manage/import/vblade.js';
import { LabFileError, parseLab } from '../../src/manage/lab/load.js';
import { parseEntry } from '../../src/serve/exports/entry.js';
import { parseScan } from '../../src/serve/exports/processes.js';
import { surveyScript } from '../../src/serve/storage/survey.js';
import { parseSurvey } from '../../src/serve/storage/survey-text.js';
import { MAX_CONFIG_STRING } from '../../src/wire/aoe/index.js';
import { decodeState, encodeState } from '../../src/wire/native/state.js';
import { entryOf } from '../serve/exports/entries.js';
import { FRAMES, SEED, TIMEOUT } from './budget.js';
import { Dice } from './mutate.js';
import { mutateText } from './mutate-text.js';

interface Reader {
  name: string;
  seeds: readonly string[];
  /** Costs more than others. */
  slow?: boolean;
  /** @throws LabError for what can't be read */
  read: (text: string) => unknown;
}

const LAB = `lab: a
variables: { SIZE: 1G }
defaults: { implementation: native, segment: san }
segments: { san: { interface: eth0, vlan: 5 } }
hosts: { one: { ssh: root@one:22 }, two: }
exports:
  - { address: e0.1, host: one, file: /srv/a, size: "\${SIZE}", options: { readOnly: true, macs: [ "02:00:00:00:00:01" ] } }
  - { address: e0.2, host: two, file: /srv/b, options: { macs: [ "02-00-00-00-00-02" ] } }
`;
const LINKS = [
  '[{"ifindex":1,"ifname":"lo","flags":["UP"],"mtu":65536,"link_type":"loopback"},{"ifindex":2,"ifname":"san0","link":"eth0","flags":["UP","LOWER_UP"],"mtu":9000,"link_type":"ether","address":"02:00:00:00:00:01","linkinfo":{"info_kind":"vlan","info_data":{"id":5}}}]',
  '7: san0@if6: <BROADCAST,UP> mtu 9000 qdisc noop state DOWN\n    link/ether 02:00:00:00:00:07 brd ff:ff:ff:ff:ff:ff\n',
];
const STATE = encodeState({
  configString: Buffer.from('lab 1'),
  masks: [0x02_00_00_00_00_01, 0x02_00_00_00_00_02],
  reservation: [0x02_00_00_00_00_01],
});
const part = (name: string, text: string): string =>
  `${name} ${Buffer.from(`${text}@exit 0\n`).toString('base64')}`;

const imports = (name: string, seed: string, parse: (text: string) => Found): Reader => ({
  name: `import of ${name}`,
  seeds: [seed],
  read: (text) => {
    const found = parse(text);
    for (const { shelf, slot } of found.exports) {
      if (!(shelf >= 0 && shelf <= 0xfffe && slot >= 0 && slot <= 0xfe))
        throw new Error(`e${shelf}.${slot} is none`);
    }
  },
});

const { stdout: survey } = await here.run(['sh', '-c', surveyScript(), 'sh', 'users', '/etc/passwd'], {
  accept: [1, 123],
});

const READERS: readonly Reader[] = [
  {
    name: 'survey of storage',
    seeds: [survey.slice(0, 20_000)],
    slow: true,
    read: (text) => parseSurvey(text, ['/etc/passwd']),
  },
  {
    name: 'survey of a host',
    seeds: LINKS.map(
      (links) => `=links\n${links}\n=uname\nhost\n6.1\nx86_64\n0\nid\n=space\n/dev/sda 1000 10 990 1% /\n`,
    ),
    read: readSurvey,
  },
  {
    name: 'files of network managers',
    seeds: [
      '@@manager ifupdown\n@@device eth0\n@@file /etc/network/interfaces\nauto eth0\n@@unmanaged eth1\n',
    ],
    read: readNetworkFiles,
  },
  {
    name: 'interfaces',
    seeds: LINKS,
    read: (text) => interfacesFrom(parseLinks(text)),
  },
  {
    name: 'marks of processes',
    seeds: [
      '/proc/12/environ:AOE_LAB_RUN=/s/exports/e0.1@eth0.json\0/proc/1/environ:AOE_LAB_RUN=own\0\0@namespaces\nl /proc/self/ns/pid -> pid:[1]\n',
    ],
    read: (text) => {
      const { found } = parseScan(text, 'own', '/s');
      for (const [mark, pids] of found) {
        if (!mark.startsWith('/s/') || !pids.every(Number.isInteger))
          throw new Error(`${mark} is none of ours`);
      }
    },
  },
  {
    name: 'what a host tells Ansible',
    seeds: [
      [
        part('links', LINKS[0] as string),
        part('survey', `${survey.slice(0, 5000)}\n@end\n`),
        part('scan', `/proc/1/environ:AOE_LAB_RUN=scan of ansible\0`),
        part('entry', `e0.1@eth0.json\0${JSON.stringify(entryOf({}))}`),
        part('held', ''),
        part('installed', '{"services":[],"enabled":[],"files":{}}'),
      ].join('\n'),
    ],
    slow: true,
    read: (text) => parseLook('far', '/s', text, ['/etc/passwd']),
  },
  {
    name: 'known_hosts',
    seeds: [
      '|1|c2FsdA==|aGFzaA== ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==\n@revoked * ssh-rsa AAAA\n[h]:22 ssh-rsa AAAA\n',
    ],
    read: parseKnownHosts,
  },
  imports(
    'vblade',
    'start_vblade() { vblade -m 02:00:00:00:00:01 0 1 eth0 /srv/a & }\nstart_vblade\n',
    (text) => parseVblade('f', text),
  ),
  imports(
    'ggaoed',
    '[defaults]\ninterfaces = eth0\n[a]\npath = /srv/a\nshelf = 0\nslot = 1\naccept = @x\n[acls]\nx = 02:00:00:00:00:01\n',
    (text) => parseGgaoed('f', text, { interfaces: ['eth0'] }),
  ),
  imports(
    'qaoed',
    'default { interface = eth0; }\ndevice { target = /srv/a; shelf = 0; slot = 1; }\n',
    (text) => parseQaoed('f', text),
  ),
  imports('a table', 'eth0 0 1 /srv/a 02:00:00:00:00:01\n', (text) => parseTable('f', text)),
  imports(
    'UCI',
    "config vblade\n\toption device '/srv/a'\n\toption shelf '0'\n\toption slot '1'\n\toption interface 'eth0'\n",
    (text) => parseUci('f', text),
  ),
  imports('conf.d', 'shelf_e0="0"\nslot_e0="1"\niface_e0="eth0"\nconfig_vblade="0 1 eth0 /srv/a"\n', (text) =>
    parseConfD('f', text),
  ),
  imports('aoeserver', '/srv/a 0 1 eth0\n', (text) => parseAoeserver('f', text)),
  imports(
    'a unit',
    '[Unit]\n[Service]\nEnvironment="A=b"\nExecStart=/usr/sbin/vblade 0 1 eth0 /srv/a\nProtectSystem=strict\n',
    (text) => parseUnit([{ file: 'f', text }], true),
  ),
  {
    name: 'lab.yaml',
    seeds: [LAB],
    slow: true,
    read: (text) => {
      const outcome = parseLab('lab.yaml', text, {});
      if ('faults' in outcome) throw new LabFileError('lab.yaml', outcome.faults);
    },
  },
  {
    name: 'recipes',
    seeds: ['sqaoed', 'native'].map((name) =>
      readFileSync(join(packageRoot, 'recipes', `${name}.yaml`), 'utf8'),
    ),
    slow: true,
    read: (text) => {
      const outcome = parseRecipe('x.yaml', text);
      if ('faults' in outcome) throw new RecipeError(outcome.faults);
    },
  },
  {
    name: 'entries of exports',
    seeds: [JSON.stringify(entryOf({}))],
    read: (text) => {
      const entry = parseEntry('e0.1@eth0.json', Buffer.from(text));
      if ('fault' in entry) throw new LabError({ tried: 'reading an entry', happened: entry.fault });
    },
  },
];

for (const { name, seeds, slow, read } of READERS) {
  const runs = Math.ceil(FRAMES / (slow ? 400 : 40));
  test(`HOSTILE: ${name}: ${runs} mutated texts are read or refused, and tell nothing that a terminal obeys`, (t) => {
    t.timeout(TIMEOUT);
    t.log(`seed ${SEED}`);
    const dice = new Dice(SEED);
    for (const seed of seeds) t.notThrows(() => read(seed));
    for (let index = 0; index < runs; index++) {
      const text = mutateText(seeds, dice);
      try {
        read(text);
      } catch (error) {
        if (!(error instanceof LabError)) return t.fail(`${(error as Error).stack}\n${JSON.stringify(text)}`);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: our own colours
        const words = paint(describeError(error, false)).replaceAll(/\x1b\[\d+m/g, '');
        if (escapeText(words) !== words) return t.fail(`${JSON.stringify(words)} of ${JSON.stringify(text)}`);
      }
    }
    t.pass();
  });
}

test(`HOSTILE: a damaged state file never widens who may use an export: it is refused, or names addresses as they stand in it`, (t) => {
  t.timeout(TIMEOUT);
  const dice = new Dice(SEED);
  let refused = 0;
  for (let index = 0; index < FRAMES / 10; index++) {
    const text = mutateText([STATE], dice);
    try {
      const state = decodeState(text);
      const raw = JSON.parse(text) as { masks: unknown[]; reservation: unknown[] };
      if (state.configString.length > MAX_CONFIG_STRING) return t.fail(text);
      if (state.masks.length !== raw.masks.length || state.reservation.length !== raw.reservation.length) {
        return t.fail(text);
      }
    } catch (error) {
      if (!(error instanceof SyntaxError))
        return t.fail(`${(error as Error).stack}\n${JSON.stringify(text)}`);
      refused++;
    }
  }
  t.true(refused > 0);
});
