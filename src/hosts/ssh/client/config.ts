/** OpenSSH's client configuration (ssh_config(5)), as far as reaching a host needs it. */
import type { Stats } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { UsageError } from '../../../base/errors.js';
import { ownEnvironment, ownHome } from '../../../base/files/own-folders.js';
import { UnfitFileError } from '../../../base/files/read-bounded.js';
import { here } from '../../host/local.js';
import { textOf } from './files.js';
import { matchesPatterns } from './patterns.js';

/** Values by their keys in lower case: the first one found counts, of IdentityFile all. */
export type Settings = Map<string, string[]>;

interface Word {
  val: string;
  /** What stood before it. */
  separator: string;
  quoted?: boolean;
}

interface Directive {
  type: number;
  param?: string;
  value?: string | readonly Word[];
  config?: readonly Directive[];
}

interface Subject {
  /** As it was named. */
  original: string;
  localUser: string;
  settings: Settings;
  isFinal: boolean;
  wantsFinal: boolean;
}

const REPEATED = 'identityfile';
/** Its value is a command line for the shell: the rest of the line as it stands. */
const UNPARSED = 'proxycommand';
/** As OpenSSH's own bound on files that include each other. */
const MAX_DEPTH = 16;

/**
 * All settings for a host: those given, then ~/.ssh/config's, then /etc/ssh/ssh_config's.
 * @throws UsageError for a file that can't be parsed, or one that has a Match we can't judge
 */
export async function readSettings(name: string, given: Settings): Promise<Settings> {
  const settings: Settings = new Map([...given].map(([key, values]) => [key, [...values]]));
  const subject: Subject = {
    original: name,
    localUser: userInfo().username,
    settings,
    isFinal: false,
    wantsFinal: false,
  };
  const files = [
    { path: join(ownHome(), '.ssh', 'config'), folder: join(ownHome(), '.ssh') },
    { path: '/etc/ssh/ssh_config', folder: '/etc/ssh' },
  ];
  for (const { path, folder } of files) await readInto(subject, path, folder, 0);
  if (subject.wantsFinal) {
    subject.isFinal = true;
    for (const { path, folder } of files) await readInto(subject, path, folder, 0);
  }
  return settings;
}

async function readInto(subject: Subject, path: string, folder: string, depth: number): Promise<void> {
  if (depth > MAX_DEPTH) {
    throw new UsageError({ tried: `reading ${path}`, happened: 'the files include each other too deeply' });
  }
  const text = await textOf(path, { judge: writtenByOthers, own: true }).catch((cause) => {
    if (!(cause instanceof UnfitFileError)) throw cause;
    throw new UsageError({
      tried: `reading ${path}`,
      happened: cause.reason,
      ...(cause.reason === OTHERS ? { next: `chmod go-w ${path}` } : {}),
      cause,
    });
  });
  if (text === undefined) return;
  const { parse, LineType } = await import('ssh-config');
  let lines: readonly Directive[];
  try {
    lines = parse(text) as unknown as readonly Directive[];
  } catch (error) {
    throw new UsageError({
      tried: `reading ${path}`,
      happened: `it is no configuration of ssh's: ${(error as Error).message}`,
      next: `ssh -G ${subject.original} names the line`,
      cause: error,
    });
  }
  const apply = async (all: readonly Directive[]): Promise<void> => {
    for (const { type, param = '', value = '', config = [] } of all) {
      if (type !== LineType.DIRECTIVE) continue;
      const key = param.toLowerCase();
      const words = typeof value === 'string' ? [value] : value.map(({ val }) => val);
      if (key === 'host') {
        // Words joined by commas are one pattern here, unlike in Match.
        if (matchesPatterns(subject.original, words)) await apply(config);
      } else if (key === 'match') {
        if (await matches(subject, words, path)) await apply(config);
      } else if (key === 'include') {
        for (const included of await includedFiles(words, folder)) {
          await readInto(subject, included, folder, depth + 1);
        }
      } else if (key === REPEATED) {
        subject.settings.set(key, [...(subject.settings.get(key) ?? []), ...words]);
      } else if (!subject.settings.has(key)) {
        subject.settings.set(key, key === UNPARSED ? [asWritten(value)] : words);
      }
    }
  };
  await apply(lines);
}

function asWritten(value: string | readonly Word[]): string {
  if (typeof value === 'string') return value;
  return value
    .map(({ val, separator, quoted }, index) => `${index > 0 ? separator : ''}${quoted ? `"${val}"` : val}`)
    .join('');
}

const OTHERS = 'it is not yours, or others may write to it';

/** What stands there may run commands; ssh refuses such files too. */
function writtenByOthers({ uid, mode }: Stats): string | undefined {
  if ((uid === 0 || uid === process.getuid?.()) && (mode & 0o022) === 0) return undefined;
  return OTHERS;
}

/** Files an Include names: relative ones lie beside the configuration, and there may be wildcards. */
async function includedFiles(words: readonly string[], folder: string): Promise<string[]> {
  const files: string[] = [];
  for (const word of words) {
    const expanded = word.replace(/^~(?=\/|$)/, ownHome());
    files.push(...(await expandWildcards(isAbsolute(expanded) ? expanded : join(folder, expanded))));
  }
  return files;
}

async function expandWildcards(path: string): Promise<string[]> {
  let found = ['/'];
  for (const part of path.split('/').filter((name) => name !== '')) {
    const hasHidden = part.startsWith('.');
    const lists = found.map(async (folder) => {
      if (!/[*?]/.test(part)) return [join(folder, part)];
      const names = await here.list(folder);
      const fitting = names.filter(
        (name) => matchesPatterns(name, [part]) && name.startsWith('.') === hasHidden,
      );
      return fitting.map((name) => join(folder, name));
    });
    found = (await Promise.all(lists)).flat();
  }
  return found;
}

async function matches(subject: Subject, words: readonly string[], path: string): Promise<boolean> {
  const { settings, original, localUser } = subject;
  const user = settings.get('user')?.[0] ?? localUser;
  const host = settings.get('hostname')?.[0] ?? original;
  const rest = [...words];
  while (rest.length > 0) {
    const word = rest.shift() as string;
    const isNegated = word.startsWith('!');
    const criterion = (isNegated ? word.slice(1) : word).toLowerCase();
    let holds: boolean;
    if (criterion === 'all') holds = true;
    else if (criterion === 'final' || criterion === 'canonical') {
      if (criterion === 'final') subject.wantsFinal = true;
      holds = subject.isFinal;
    } else {
      const value = rest.shift() ?? '';
      const against: Record<string, string> = { host, originalhost: original, user, localuser: localUser };
      const name = against[criterion];
      if (criterion === 'exec') holds = await succeeds(expandTokens(value, tokens(subject)));
      else if (name === undefined) {
        throw new UsageError({
          tried: `reading ${path}`,
          happened: `\`Match ${words.join(' ')}\` asks for "${criterion}", which aoe-lab can not judge`,
          next: 'use host, originalhost, user, localuser, exec, all or final, or a Host block',
        });
      } else holds = matchesPatterns(name, value.split(','));
    }
    if (holds === isNegated) return false;
  }
  return true;
}

/** Match exec is a command line for the user's shell by definition, and trusted as the file is. */
async function succeeds(command: string): Promise<boolean> {
  const { execa } = await import('execa');
  const { exitCode } = await execa(process.env.SHELL || '/bin/sh', ['-c', command], {
    reject: false,
    stdio: 'ignore',
    timeout: 30_000,
    env: ownEnvironment(),
  });
  return exitCode === 0;
}

function tokens({ original, localUser, settings }: Subject): Record<string, string> {
  return tokensOf(original, settings, localUser);
}

/** What `%` and a letter stand for (ssh_config(5), TOKENS). */
export function tokensOf(
  original: string,
  settings: Settings,
  localUser = userInfo().username,
): Record<string, string> {
  const local = hostname();
  return {
    '%': '%',
    d: ownHome(),
    h: settings.get('hostname')?.[0]?.replaceAll('%h', original).replaceAll('%%', '%') ?? original,
    i: String(process.getuid?.() ?? ''),
    L: local.split('.')[0] ?? local,
    l: local,
    n: original,
    p: settings.get('port')?.[0] ?? '22',
    r: settings.get('user')?.[0] ?? localUser,
    u: localUser,
    k: settings.get('hostkeyalias')?.[0] ?? original,
  };
}

/**
 * Replaces `%` and a letter.
 * @throws UsageError for a letter that stands for nothing here
 */
export function expandTokens(text: string, values: Record<string, string>): string {
  return text.replaceAll(/%(.?)/g, (whole, letter: string) => {
    const value = values[letter];
    if (value !== undefined) return value;
    throw new UsageError({
      tried: `reading "${text}" of ssh's configuration`,
      happened: `aoe-lab does not know ${whole} there`,
      next: 'write what it stands for',
    });
  });
}

/** A path as ssh reads it: `~`, tokens and `${VARIABLE}`. */
export function expandPath(path: string, values: Record<string, string>): string {
  const home = path.replace(/^~(?=\/|$)/, ownHome());
  const expanded = expandTokens(home, values).replaceAll(
    /\$\{(\w+)\}/g,
    (_, name: string) => process.env[name] ?? '',
  );
  return expanded;
}
