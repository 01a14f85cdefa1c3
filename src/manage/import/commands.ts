/** Commands of a script, a unit or a shell that export something: vblade, vblade-persist, kvadd, lines for kernel modules. */
import { posix } from 'node:path';
import { startedBy } from './carriers.js';
import { attempt, Doubt, type Draft, type Found, joined, nothingFound, type Place } from './found.js';
import { ModuleLines, moduleOfFile, UNKNOWN } from './module-lines.js';
import { type Command, readScript } from './shell/script.js';
import type { Value, Variables } from './shell/values.js';
import { vbladeCommand } from './vblade-command.js';

/** A mention of a target by these starts none. */
const BYSTANDERS =
  /^(echo|printf|test|\[\[?|killall|pkill|pgrep|pidof|kill|ps|grep|which|type|hash|modprobe|insmod|rmmod|logger|cp|mv|rm|ln|ls|cat|chmod|chown|mkdir|touch|install|apt|apt-get|dpkg|yum|dnf|apk|emerge|opkg|systemctl|service|rc-service|rc-update|update-rc\.d|chkconfig|log_\w+|e?begin|eend|cd|sed|awk|true|false|:|\.|source|eval|alias|exit)$/;
const MENTION = /(^|[\s/"'])(vbladed?|kvadd)($|[\s"'])|\/(proc\/aoeserver|sys\/(kvblade|vblade)\/)/;
const SHELLS = new Set(['sh', 'bash', 'dash', 'ash']);
/** What vbladed hands to a second shell, as it is. */
const PLAIN = /^[A-Za-z0-9_./,:@%+=-]*$/;

export interface Origin {
  file: string;
  /** Line of the file that the first line of the commands is, from 1. Default: 1. */
  line?: number;
  /** What each export has besides. */
  facts?: Pick<Draft, 'persist' | 'restart'>;
}

/** Reads a script's exports. */
export function parseScript(origin: Origin, text: string, variables?: Variables): Found {
  const { commands, unreadable } = readScript(text, variables);
  const reader = new CommandReader(origin);
  if (unreadable === undefined) for (const command of commands) reader.take(command);
  else if (commands.some(({ raw }) => MENTION.test(raw)) || MENTION.test(text)) {
    const place = reader.place(unreadable.line);
    reader.found.remarks.push({
      ...place,
      text: `a shell can't read it: ${unreadable.text}: nothing of it is taken over`,
    });
  }
  return reader.finish();
}

export class CommandReader {
  readonly found = nothingFound();
  readonly #origin: Origin;
  readonly #lines = new ModuleLines();
  /** Files that loop devices were attached to; undefined where that can't be told. */
  readonly #loops = new Map<string, { file: string; isReadOnly: boolean } | undefined>();

  constructor(origin: Origin) {
    this.#origin = origin;
  }

  place(line: number): Place {
    return { file: this.#origin.file, line: line + (this.#origin.line ?? 1) - 1 };
  }

  finish(): Found {
    const found = joined([this.found, this.#lines.finish()]);
    for (const one of [...found.exports, ...found.leftOut]) {
      const loop = one.path === undefined ? undefined : this.#loops.get(one.path);
      if (loop === undefined) continue;
      Object.assign(one, { path: loop.file, loop: true });
      if (loop.isReadOnly) one.options = { ...one.options, readOnly: true };
    }
    return found;
  }

  take(command: Command): void {
    const { program, args, netns } = startedBy(command.args);
    const words = args.map((one) => ('text' in one ? one.text : undefined));
    if (program === 'vblade' || program === 'vbladed') {
      if (args.length > 0) this.#vblade(program, args, command, netns);
    } else if (program === 'vblade-persist') {
      if (words[0] === 'setup') this.#vblade(program, args.slice(1), command, netns);
    } else if (program === 'kvadd') this.#write('/sys/kvblade/add', args, command);
    else if (program === 'kvdel') this.#write('/sys/kvblade/del', args, command);
    else if (program === 'losetup') this.#losetup(words, command);
    else if (SHELLS.has(program ?? '') && words[0] === '-c' && words[1] !== undefined && words.length === 2) {
      this.#shell(words[1], command);
    } else if (!this.#printed(program, args, words, command)) this.#mention(command, program);
  }

  /** What goes into a file of the kernel's, by a redirection or tee. */
  #printed(
    program: string | undefined,
    args: readonly Value[],
    words: readonly (string | undefined)[],
    command: Command,
  ): boolean {
    const writer = program === 'tee' ? startedBy(command.reads?.args ?? []) : { program, args };
    const redirected = command.writes && 'text' in command.writes ? [command.writes.text] : [];
    const targets = (program === 'tee' ? words : redirected).filter(
      (one) => moduleOfFile(one ?? '') !== undefined,
    );
    if (writer.program !== 'echo' && writer.program !== 'printf') return false;
    for (const target of targets)
      this.#write(target as string, printed(writer.program, writer.args), command);
    return targets.length > 0;
  }

  #vblade(program: string, args: readonly Value[], command: Command, netns: string | undefined): void {
    const { restart, persist } = this.#origin.facts ?? {};
    const draft: Draft = {
      implementation: 'vblade',
      place: this.place(command.line),
      ...(netns === undefined ? {} : { netns }),
      ...(restart === undefined ? {} : { restart }),
      // A namespace does not survive a reboot.
      ...(persist === undefined || netns !== undefined ? {} : { persist }),
    };
    attempt(this.found, draft, () => {
      const found = vbladeCommand(args, draft);
      if (command.doubt !== undefined) throw new Doubt(draft.place, command.doubt);
      const odd =
        program === 'vbladed' ? args.find((one) => 'text' in one && !PLAIN.test(one.text)) : undefined;
      if (odd !== undefined)
        throw new Doubt(draft.place, 'vbladed hands its words to a second shell, which reads them anew');
      return found;
    });
  }

  #write(path: string, values: readonly Value[], command: Command): void {
    const texts = values.map((one) => ('text' in one ? one.text : UNKNOWN));
    const unknown = values.find((one) => 'unknown' in one);
    const doubt =
      unknown && 'unknown' in unknown ? `what is written can't be told: ${unknown.unknown}` : command.doubt;
    const words = texts
      .join(' ')
      .split(/\s+/)
      .filter((word) => word !== '');
    this.#lines.take(path, { ...this.place(command.line), words, doubt });
  }

  #losetup(words: readonly (string | undefined)[], { doubt }: Command): void {
    const isReadOnly = words[0] === '-r' || words[0] === '--read-only';
    const [device, file, ...more] = isReadOnly ? words.slice(1) : words;
    const isPlain = more.length === 0 && file !== undefined && doubt === undefined && posix.isAbsolute(file);
    for (const word of words) if (word?.startsWith('/dev/')) this.#loops.set(word, undefined);
    if (isPlain && device?.startsWith('/dev/')) this.#loops.set(device, { file, isReadOnly });
  }

  #shell(text: string, command: Command): void {
    const { file, line } = this.place(command.line);
    const inner = parseScript({ ...this.#origin, file, line: line ?? 1 }, text);
    for (const one of inner.exports) {
      if (command.doubt === undefined) this.found.exports.push(one);
      else this.found.leftOut.push({ ...one, reason: command.doubt });
    }
    this.found.leftOut.push(...inner.leftOut);
    this.found.remarks.push(...inner.remarks);
  }

  #mention(command: Command, name: string | undefined): void {
    if (!MENTION.test(command.raw) || (name !== undefined && BYSTANDERS.test(name))) return;
    this.found.remarks.push({
      ...this.place(command.line),
      text: `what ${name ?? 'it'} does with a target can't be told: left out`,
    });
  }
}

/** What echo or printf prints. */
function printed(name: 'echo' | 'printf', args: readonly Value[]): Value[] {
  const [first] = args;
  if (name === 'echo') {
    const isOption = first !== undefined && 'text' in first && /^-[neE]+$/.test(first.text);
    return (isOption ? args.slice(1) : args).map((one) =>
      'text' in one && one.text.includes('\\')
        ? { unknown: 'shells print a backslash in different ways' }
        : one,
    );
  }
  const format = first !== undefined && 'text' in first ? first.text.replace(/\\n$/, '') : '%';
  return args.length === 1 && !/[%\\]/.test(format)
    ? [{ text: format }]
    : [{ unknown: 'what printf prints' }];
}
