import type { Argument, Command, Option } from 'commander';

/** What can stand where the cursor is. */
export interface Wanted {
  /** Start of the word that stands before what is completed: `--impl=`, or the names of a list before the last. */
  before: string;
  /** What the rest of the word has to begin with. */
  start: string;
  /** Words that are known from the commands themselves, with what they mean. */
  words: readonly Candidate[];
  /** A value of this kind: see `valuesOf`. */
  value: Place | undefined;
}

export interface Candidate {
  word: string;
  about?: string | undefined;
}

/** Where a value stands. */
export interface Place {
  /** Names of the command: `host add`. */
  command: string;
  /** `--iface`, or the name of an argument: `EXPORT`. */
  name: string;
  /** What stands for the value in the help: `IF`. */
  placeholder: string;
  /** Values that were given before, by the names of their options and arguments. */
  given: ReadonlyMap<string, string>;
}

/** Of a parser of a list: the values that it takes. */
export interface Listing {
  values: readonly string[];
}

/** A placeholder of values joined by commas. */
const LIST = /^(?:NAMES|HOSTS|LIST)$|,/;

/**
 * What is wanted at the cursor.
 * @param program the commands @param words after the program's name, the last one unfinished (empty, if it has not begun)
 */
export function wantedAt(program: Command, words: readonly string[]): Wanted {
  const current = words.at(-1) ?? '';
  let command = program;
  let awaiting: Option | undefined;
  let isLiteral = false;
  const loose: string[] = [];
  const given = new Map<string, string>();
  for (const word of words.slice(0, -1)) {
    if (awaiting !== undefined) {
      given.set(String(awaiting.long), word);
      awaiting = undefined;
    } else if (isLiteral || !word.startsWith('-') || word === '-') {
      const inner = loose.length === 0 ? subcommandOf(command, word) : undefined;
      if (inner !== undefined) command = inner;
      else loose.push(word);
    } else if (word === '--') {
      isLiteral = true;
    } else {
      const [name, value] = splitOption(word);
      const option = optionOf(command, name);
      if (option !== undefined && value !== undefined) given.set(String(option.long), value);
      else if (option?.required) awaiting = option;
    }
  }
  for (const [index, argument] of command.registeredArguments.entries()) {
    const word = loose[index];
    if (word !== undefined) given.set(argument.name(), word);
  }
  const place = { command: nameOf(command), given };
  if (awaiting !== undefined) return ofOption(awaiting, '', current, place);
  if (!isLiteral && current.startsWith('-')) {
    const [name, value] = splitOption(current);
    const option = value === undefined ? undefined : optionOf(command, name);
    if (value !== undefined && option !== undefined) return ofOption(option, `${name}=`, value, place);
    return { before: '', start: current, words: optionsOf(command), value: undefined };
  }
  if (loose.length === 0 && command.commands.length > 0) {
    return { before: '', start: current, words: subcommandsOf(command), value: undefined };
  }
  return ofArgument(argumentAt(command, loose.length), current, place);
}

function ofOption(
  option: Option,
  before: string,
  start: string,
  place: Pick<Place, 'command' | 'given'>,
): Wanted {
  const listed = (option.parseArg as Partial<Listing> | undefined)?.values;
  const placeholder = /[<[]([^\]>]+)[\]>]/.exec(option.flags)?.[1] ?? '';
  const isList = listed !== undefined || LIST.test(placeholder);
  const head = isList ? start.slice(0, start.lastIndexOf(',') + 1) : '';
  const here = { before: before + head, start: start.slice(head.length) };
  const known = listed ?? option.argChoices;
  if (known !== undefined) return { ...here, words: known.map((word) => ({ word })), value: undefined };
  const value = { ...place, name: String(option.long), placeholder: placeholder.replace(',...', '') };
  return { ...here, words: [], value };
}

function ofArgument(
  argument: Argument | undefined,
  start: string,
  place: Pick<Place, 'command' | 'given'>,
): Wanted {
  const words = (argument?.argChoices ?? []).map((word) => ({ word }));
  if (argument === undefined || words.length > 0) return { before: '', start, words, value: undefined };
  const name = argument.name();
  return { before: '', start, words, value: { ...place, name, placeholder: name } };
}

function argumentAt(command: Command, index: number): Argument | undefined {
  const { registeredArguments: all } = command;
  const last = all.at(-1);
  return all[index] ?? (last?.variadic ? last : undefined);
}

function splitOption(word: string): [name: string, value: string | undefined] {
  const at = word.indexOf('=');
  return !word.startsWith('--') || at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}

/** Options of a command, and those of the commands above it. */
function allOptions(command: Command): Option[] {
  const above = command.parent === null ? [] : allOptions(command.parent);
  return [...command.options, ...above].filter(({ hidden }) => !hidden);
}

function optionOf(command: Command, name: string): Option | undefined {
  return allOptions(command).find(({ short, long }) => name === long || name === short);
}

function optionsOf(command: Command): Candidate[] {
  const about = ({ long, description }: Option): Candidate => ({ word: String(long), about: description });
  const help = { word: '--help', about: 'display help for command' };
  const seen = new Map([...allOptions(command).map(about), help].map((one) => [one.word, one]));
  return [...seen.values()];
}

function subcommandOf(command: Command, word: string): Command | undefined {
  return command.commands.find((one) => one.name() === word || one.aliases().includes(word));
}

function subcommandsOf(command: Command): Candidate[] {
  const own = command.commands.map((one) => ({ word: one.name(), about: one.description() }));
  return [...own, { word: 'help', about: 'display help for command' }];
}

function nameOf(command: Command): string {
  const { parent } = command;
  return parent === null || parent.parent === null ? command.name() : `${nameOf(parent)} ${command.name()}`;
}
