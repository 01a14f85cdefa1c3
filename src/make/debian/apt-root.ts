/**
 * Private roots for apt in the store: lists, caches and state of their own; `apt/` for source packages, `apt-SUITE/` for
 * binary packages of a Debian suite. The machine's own apt configuration (proxies, credentials, keyrings) and its list
 * of archives are read; nothing of the machine's is written, and hooks that it runs after an update are left out.
 */
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '../../base/digest.js';
import { cacheFolder } from '../../base/files/paths.js';
import { here } from '../../hosts/host/local.js';
import { readJson } from '../store/json.js';
import { sourceLines, sourceStanzas } from './source-lines.js';
import { suiteStanzas } from './suite-stanzas.js';

export interface AptRoot {
  folder: string;
  /** Passed to apt as `-c`: read last, so it overrides the machine's. */
  config: string;
  /** Digest of the archives that it knows. */
  archives: string;
}

export const DAY = 24 * 3600_000;
/** Lists that lack what is asked for are brought up to date again, but not more often than this. */
export const RETRY = 10 * 60_000;

interface Stamp {
  archives: string;
  /** Milliseconds since 1970. */
  updated: number;
}

/** Hooks of the machine's that would clean its caches or rebuild its indexes. */
const HOOKS = ['APT::Update::Pre-Invoke', 'APT::Update::Post-Invoke', 'APT::Update::Post-Invoke-Success'];

/**
 * Writes the configuration of the root for source packages anew from the machine's. The caller holds the lock of the root.
 * @throws Error if the machine names no package archive
 */
export async function prepareAptRoot(): Promise<AptRoot> {
  const files = await machineSources();
  const lines = files.filter(({ name }) => !isDeb822(name)).flatMap(({ text }) => sourceLines(text));
  const stanzas = files.filter(({ name }) => isDeb822(name)).flatMap(({ text }) => sourceStanzas(text));
  if (lines.length + stanzas.length === 0) throw new Error('this machine lists no package archive for apt');
  return writeRoot('apt', [...new Set(lines)], [...new Set(stanzas)]);
}

/**
 * The same for binary packages of a Debian suite, which the machine itself need not use: its archive, another suite.
 * @throws Error if the machine names no archive of Debian's
 */
export async function prepareSuiteRoot(suite: string): Promise<AptRoot> {
  const files = await machineSources();
  const stanzas = suiteStanzas(
    files.map(({ name, text }) => ({ text, isDeb822: isDeb822(name) })),
    suite,
  );
  if (stanzas.length === 0) throw new Error("this machine's apt lists no archive of Debian");
  return writeRoot(`apt-${suite}`, [], stanzas);
}

async function writeRoot(
  name: string,
  lines: readonly string[],
  stanzas: readonly string[],
): Promise<AptRoot> {
  const folder = join(cacheFolder(), name);
  if (/["\n]/.test(folder)) throw new Error(`apt can't work below a folder of this name: ${folder}`);
  for (const part of ['state/lists/partial', 'cache/archives/partial', 'sources.list.d', 'log']) {
    await mkdir(join(folder, part), { recursive: true });
  }
  const list = `${lines.join('\n')}\n`;
  const stanzasText = `${stanzas.join('\n\n')}\n`;
  await here.write(join(folder, 'sources.list'), list);
  await here.write(join(folder, 'sources.list.d', 'machine.sources'), stanzasText);
  await here.write(join(folder, 'state', 'status'), '');
  const config = join(folder, 'apt.conf');
  await here.write(config, configText(folder));
  return { folder, config, archives: digestOf(list + stanzasText) };
}

/** Milliseconds since the lists were brought up to date for these archives; infinite if never. */
export async function ageOfLists(root: AptRoot): Promise<number> {
  const stamp = await readJson<Stamp>(join(root.folder, 'updated.json'));
  return stamp?.archives === root.archives ? Date.now() - stamp.updated : Number.POSITIVE_INFINITY;
}

/**
 * Returns what apt complained about: an archive that fails does not keep the others from being used. apt warns of one that
 * it does not reach, and succeeds: what the lists lack then is asked for again at once.
 */
export async function updateLists(root: AptRoot, signal: AbortSignal): Promise<string[]> {
  const { exitCode, stderr } = await here.run(['apt-get', '-c', root.config, 'update', '--quiet=2'], {
    timeout: 300_000,
    accept: [100],
    signal,
  });
  const complaints = stderr.split('\n').filter((line) => /^[EW]: /.test(line));
  if (exitCode === 0 && complaints.every((line) => line.startsWith('W: '))) {
    const isPartial = complaints.some((line) => line.includes('Failed to fetch'));
    const stamp: Stamp = { archives: root.archives, updated: Date.now() - (isPartial ? RETRY : 0) };
    await here.write(join(root.folder, 'updated.json'), JSON.stringify(stamp));
  }
  return complaints;
}

/** The machine's list of archives, file by file, in apt's order. */
async function machineSources(): Promise<{ name: string; text: string }[]> {
  const { stdout } = await here.run([
    'apt-config',
    'shell',
    'LIST',
    'Dir::Etc::sourcelist/f',
    'PARTS',
    'Dir::Etc::sourceparts/d',
  ]);
  const path = (name: string): string => new RegExp(`^${name}='(.*)'$`, 'm').exec(stdout)?.[1] ?? '';
  const parts = path('PARTS');
  // apt takes only names of these characters (sources.list(5)).
  const names = (await readdir(parts).catch(() => []))
    .filter((name) => /^[\w.-]+\.(list|sources)$/.test(name))
    .sort();
  const files = [path('LIST'), ...names.map((name) => join(parts, name))];
  return Promise.all(
    files.map(async (name) => ({ name, text: await readFile(name, 'utf8').catch(() => '') })),
  );
}

function isDeb822(name: string): boolean {
  return name.endsWith('.sources');
}

function configText(folder: string): string {
  const settings: Record<string, string> = {
    'Dir::State': join(folder, 'state'),
    'Dir::State::lists': join(folder, 'state', 'lists'),
    'Dir::State::status': join(folder, 'state', 'status'),
    'Dir::Cache': join(folder, 'cache'),
    'Dir::Cache::archives': join(folder, 'cache', 'archives'),
    'Dir::Cache::pkgcache': 'pkgcache.bin',
    'Dir::Cache::srcpkgcache': 'srcpkgcache.bin',
    'Dir::Log': join(folder, 'log'),
    'Dir::Etc::sourcelist': join(folder, 'sources.list'),
    'Dir::Etc::sourceparts': join(folder, 'sources.list.d'),
    'Acquire::Languages': 'none',
    'Acquire::Retries': '1',
    'Acquire::http::Timeout': '10',
    'Acquire::https::Timeout': '10',
    'APT::Get::List-Cleanup': 'true',
    // The store may lie where the user _apt, as whom root's apt downloads otherwise, can't reach it.
    ...(process.getuid?.() === 0 ? { 'APT::Sandbox::User': 'root' } : {}),
  };
  return [
    ...HOOKS.map((hook) => `#clear ${hook};`),
    ...Object.entries(settings).map(([name, value]) => `${name} "${value}";`),
    '',
  ].join('\n');
}
