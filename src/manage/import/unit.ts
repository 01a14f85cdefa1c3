/** systemd units whose ExecStart= starts a target (systemd.service(5), systemd.unit(5)). */
import { CommandReader } from './commands.js';
import { type Found, joined } from './found.js';
import { mayLimit, narrowing, type UnitSetting, unitLimit } from './sandbox.js';
import type { Value } from './shell/values.js';

/** What changes whether its commands run, or what their words mean. */
const LIMITS =
  /^(Condition|Assert)\w*$|^(RootDirectory|RootImage|BindPaths|BindReadOnlyPaths|TemporaryFileSystem|MountImages|PrivateNetwork|NetworkNamespacePath|JoinsNamespaceOf|Sockets)$/;

export interface UnitText {
  file: string;
  text: string;
}

interface Setting extends UnitText, UnitSetting {
  line: number;
}

/**
 * @param parts the unit, and its drop-ins in their order
 * @param isEnabled whether it is started at boot
 */
export function parseUnit(parts: readonly UnitText[], isEnabled: boolean): Found {
  const settings = parts.flatMap(settingsOf);
  // That of Debian's package takes its words from files that are read by themselves.
  if (settings.some(({ key, text }) => key === 'EnvironmentFile' && text.includes('/vblade.conf.d/'))) {
    const limits = settings.filter((one) => one.file !== parts[0]?.file && mayLimit(one));
    const remarks = limits.map(({ file, line, key, text }) => ({
      file,
      line,
      text: `${key}=${text} limits what /etc/vblade.conf.d exports, and is not taken over`,
    }));
    return { exports: [], leftOut: [], remarks };
  }
  const limit = settings.find(
    ({ key, text }) => LIMITS.test(key) && text !== '' && text !== 'no' && text !== 'false',
  );
  const doubt =
    limit !== undefined
      ? `${limit.key}=${limit.text} limits the unit`
      : (unitLimit(settings) ?? (isEnabled ? undefined : 'its unit is not enabled'));
  const restarts = settings.findLast(({ key }) => key === 'Restart')?.text ?? 'no';
  const facts = { persist: true, ...(restarts === 'no' ? {} : { restart: 'on-failure' as const }) };
  const environment = environmentOf(settings);
  // An empty one takes back those before it.
  const empty = settings.findLastIndex(({ key, text }) => key === 'ExecStart' && text === '');
  const starts = settings.filter(
    ({ key }, index) => /^ExecStart(Pre|Post)?$/.test(key) && (key !== 'ExecStart' || index > empty),
  );
  return joined(
    starts.map(({ file, line, text }) => {
      const reader = new CommandReader({ file, facts });
      reader.take({
        line,
        raw: text,
        args: words(text, environment),
        ...(doubt === undefined ? {} : { doubt }),
      });
      return within(settings, reader.finish());
    }),
  );
}

/** What a unit lets its commands do, and no more. */
function within(settings: readonly Setting[], { exports, leftOut, remarks }: Found): Found {
  const judged = exports.map((one) => ({ one, reason: narrowing(settings, one) }));
  return {
    exports: judged.flatMap(({ one, reason }) => (reason === undefined ? [one] : [])),
    leftOut: [
      ...leftOut,
      ...judged.flatMap(({ one, reason }) => (reason === undefined ? [] : [{ ...one, reason }])),
    ],
    remarks,
  };
}

function settingsOf({ file, text }: UnitText): Setting[] {
  const settings: Setting[] = [];
  let section = '';
  let begun: { line: number; text: string } | undefined;
  for (const [index, raw] of text.split('\n').entries()) {
    if (begun === undefined ? /^\s*([#;].*)?$/.test(raw) : /^\s*[#;]/.test(raw)) continue;
    const header = begun === undefined ? /^\s*\[(.*)\]\s*$/.exec(raw)?.[1] : undefined;
    if (header !== undefined) {
      section = header;
      continue;
    }
    const whole = `${begun?.text ?? ''}${raw}`;
    const line = begun?.line ?? index + 1;
    begun = raw.endsWith('\\') ? { line, text: `${whole.slice(0, -1)} ` } : undefined;
    const [, key, value] = begun === undefined ? (/^\s*(\w+)\s*=\s*(.*?)\s*$/s.exec(whole) ?? []) : [];
    if (key !== undefined && value !== undefined) settings.push({ file, line, section, key, text: value });
  }
  return settings;
}

function environmentOf(settings: readonly Setting[]): ReadonlyMap<string, string> | undefined {
  if (settings.some(({ key }) => /^(EnvironmentFile|PassEnvironment|UnsetEnvironment)$/.test(key)))
    return undefined;
  const known = new Map<string, string>();
  for (const { key, text } of settings) {
    if (key !== 'Environment') continue;
    for (const word of words(text, undefined)) {
      const [, name, value] = 'text' in word ? (/^(\w+)=(.*)$/s.exec(word.text) ?? []) : [];
      if (name === undefined || value === undefined) return undefined;
      known.set(name, value);
    }
  }
  return known;
}

/** Words of a command line, as systemd splits it; what it would replace by something else can't be told. */
function words(text: string, environment: ReadonlyMap<string, string> | undefined): Value[] {
  const line = text.replace(/^[-:+!|]+/, '');
  const found = line.match(/(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s"'])+|["'].*/gs) ?? [];
  return found.flatMap((word): Value[] => {
    const plain = word.replaceAll(
      /"([^"]*)"|'([^']*)'/g,
      (_, double = '', single = '') => `${double}${single}`,
    );
    const variable = /^\$(\w+)$/.exec(word)?.[1];
    const value = variable === undefined ? undefined : environment?.get(variable);
    if (value !== undefined) return value.split(/\s+/).flatMap((one) => (one === '' ? [] : [{ text: one }]));
    const replaced = plain.replaceAll('%%', '').replaceAll('$$', '');
    if (/^["']/.test(word) && !/["']$/.test(word)) return [{ unknown: `${word} is never closed` }];
    if (/[%$\\]/.test(replaced) || word === ';' || text.startsWith('@'))
      return [{ unknown: `${word} is replaced by systemd` }];
    return [{ text: plain.replaceAll('%%', '%').replaceAll('$$', '$') }];
  });
}
