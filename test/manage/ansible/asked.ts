/** A host as the role sees it, which is this machine: its scripts run here, on a folder of the test's own. */
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { packageRoot } from '../../../src/base/files/paths.js';
import { type Answer, answer } from '../../../src/manage/ansible/answer.js';
import type { BuildFacts } from '../../../src/manage/ansible/judge.js';
import { LOOK_SCRIPT } from '../../../src/manage/ansible/look.js';
import type { AnsibleExport } from '../../../src/manage/ansible/wanted.js';
import type { ExportEntry } from '../../../src/serve/exports/entry.js';
import { entryOf } from '../../serve/exports/entries.js';

const BUILD = 'b'.repeat(64);
const LINKS = [
  {
    ifindex: 7,
    ifname: 'san0',
    flags: ['UP', 'LOWER_UP'],
    mtu: 1500,
    link_type: 'ether',
    address: '02:00:00:00:00:07',
  },
];

export class AskedHost {
  readonly folder: string;
  readonly state: string;
  exports: AnsibleExport[] = [];
  #inside: (argv: readonly string[]) => string[];

  private constructor(folder: string, inside: (argv: readonly string[]) => string[]) {
    this.folder = folder;
    this.state = join(folder, 'state');
    this.#inside = inside;
  }

  /** @param inside puts a command where the host is */
  static async open(
    t: ExecutionContext,
    inside: (argv: readonly string[]) => string[] = (argv) => [...argv],
  ): Promise<AskedHost> {
    // What lies in /tmp does not survive a reboot, and is refused.
    const folder = await mkdtemp(join(packageRoot, 'dist', 'asked-'));
    t.teardown(() => rm(folder, { recursive: true, force: true }));
    await mkdir(join(folder, 'bin'));
    await writeFile(join(folder, 'bin', 'systemctl'), '#!/bin/sh\n');
    await chmod(join(folder, 'bin', 'systemctl'), 0o755);
    return new AskedHost(folder, inside);
  }

  /** An export of `file` in the lab; a name alone lies in the host's folder. */
  add(slot: number, file: string, more: Partial<AnsibleExport> = {}): string {
    const path = file.startsWith('/') ? file : join(this.folder, file);
    this.exports.push({
      host: 'one',
      address: { shelf: 0, slot },
      implementation: 'vblade',
      release: '25',
      iface: 'san0',
      file: path,
      options: {},
      persist: true,
      build: BUILD,
      ...more,
    });
    return path;
  }

  /** Looks at the host and asks, for other names as well where that is wanted. */
  ask(made = ''): Answer {
    const first = this.#ask(
      this.exports.map(({ file }) => file),
      made,
    );
    return first.more.length === 0
      ? first
      : this.#ask([...this.exports.map(({ file }) => file), ...first.more], made);
  }

  #ask(names: readonly string[], made: string): Answer {
    const direct = this.exports.filter(({ options }) => options.directIo).length;
    const script = LOOK_SCRIPT.replaceAll('/etc/systemd/system', `${this.folder}/units`);
    const printed = this.#run([
      'sh',
      '-c',
      script,
      'sh',
      this.state,
      '/usr/bin/node',
      String(direct),
      ...names,
    ]);
    const { implementation, release, artifacts, control } = entryOf({});
    const builds: Record<string, BuildFacts> = {
      [BUILD]: {
        machine: spawnSync('uname', ['-m'], { encoding: 'utf8' }).stdout.trim(),
        artifacts,
        entry: { implementation, release, build: BUILD, artifacts, control },
      },
    };
    return answer({
      format: 1,
      host: 'one',
      lab: 'test',
      state: this.state,
      node: '/usr/bin/node',
      exports: this.exports,
      builds,
      elsewhere: [],
      removeFiles: false,
      patience: 1,
      look: replaced(printed, `${this.folder}/units`, {
        systemd: 'yes\n',
        user: '0\n',
        links: JSON.stringify(LINKS),
      }),
      names,
      made,
    });
  }

  /** Carries out a script of an answer, with units in a folder of its own, and targets that are taken to listen. */
  carryOut(coded: string): string {
    const script = Buffer.from(coded, 'base64')
      .toString()
      .replaceAll('/etc/systemd/system', `${this.folder}/units`)
      .replace(/^until .*; do$/m, 'until true; do');
    return this.#run(['sh', '-c', script]);
  }

  /** All that the role does. */
  play(): Answer {
    let found = this.ask();
    if (found.troubles.length > 0) return found;
    if (found.ends) {
      this.carryOut(found.stop);
      found = this.ask();
    }
    if (found.due) {
      const made = this.carryOut(found.prepare);
      // As the role copies it.
      for (const build of found.builds)
        this.#run([
          'tar',
          '-C',
          '/bin',
          '-czf',
          this.#archive(build),
          'true',
          '--transform',
          's/true/vblade/',
        ]);
      this.carryOut((found.makes ? this.ask(made) : found).finish);
    }
    if (found.leaves) this.carryOut(found.forget);
    return found;
  }

  #archive(build: string): string {
    return join(this.state, 'artifacts', `${build}.tar.gz`);
  }

  async entry(slot: number): Promise<ExportEntry> {
    return JSON.parse(
      await readFile(join(this.state, 'exports', `e0.${slot}@san0.json`), 'utf8'),
    ) as ExportEntry;
  }

  async unit(slot: number): Promise<string> {
    return readFile(join(this.folder, 'units', `${await this.#unitName(slot)}`), 'utf8');
  }

  async #unitName(slot: number): Promise<string> {
    const names = await readdir(join(this.folder, 'units'));
    return names.find((name) => name.includes(`-e0.${slot}-`) && !name.includes('loop')) ?? '';
  }

  #run(argv: readonly string[]): string {
    const [program = '', ...words] = this.#inside(argv);
    const env = { ...process.env, PATH: `${join(this.folder, 'bin')}:${process.env.PATH}` };
    const { status, stdout, stderr } = spawnSync(program, words, { encoding: 'utf8', env, cwd: this.folder });
    if (status !== 0) throw new Error(`exit code ${status}: ${stderr}${stdout}`);
    return stdout;
  }
}

/** What this machine says, but for what it is not asked about; units are where they would be. */
function replaced(printed: string, units: string, parts: Record<string, string>): string {
  return printed.replaceAll(/^([a-z]+) (.*)$/gm, (_, name: string, coded: string) => {
    const told = Buffer.from(coded, 'base64').toString().replaceAll(units, '/etc/systemd/system');
    const text = parts[name];
    return `${name} ${Buffer.from(text === undefined ? told : `${text}@exit 0\n`).toString('base64')}`;
  });
}
