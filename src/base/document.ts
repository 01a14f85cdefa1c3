/** YAML files of people: parsed with the place of every value, so that each fault is told with line, column and field. */
import {
  Composer,
  type CST,
  type Document,
  isMap,
  isScalar,
  Lexer,
  LineCounter,
  type Node,
  Parser,
  YAMLParseError,
} from 'yaml';
import { TOO_DEEP } from './json.js';

/** What is wrong with the value at a path. */
export interface Fault {
  path: readonly PropertyKey[];
  message: string;
  /** It is the name of the field that is wrong, not its value. */
  isName?: boolean;
}

export interface DocumentFault {
  file: string;
  /** From 1. */
  line: number;
  /** From 1. */
  column: number;
  /** Path of the field, such as `releases[0].sources[1].url`; empty for the whole document. */
  field: string;
  reason: string;
}

export interface OpenDocument {
  document: Document;
  /** What it says, or why that can't be told. */
  content(): { value: unknown } | { faults: DocumentFault[] };
  /** Gives faults their places. */
  place(faults: readonly Fault[]): DocumentFault[];
}

/** Collections within each other, and what belongs to each; what people write has ten. */
const DEEPEST = 100;

/** Where a text is nested more deeply than it may be. */
class DepthError extends Error {
  readonly offset: number;

  constructor(offset: number) {
    super(TOO_DEEP);
    this.offset = offset;
  }
}

/**
 * The parts of a text, which come when each document is whole. What makes values of them goes as deep on the stack as they are
 * nested, and may take the process with it.
 * @throws DepthError
 */
function* tokensOf(text: string, lines: LineCounter): Generator<CST.Token, void> {
  const parser = new Parser(lines.addNewLine);
  lines.addNewLine(0);
  for (const lexeme of new Lexer().lex(text)) {
    yield* parser.next(lexeme);
    if (parser.stack.length > DEEPEST) throw new DepthError(parser.offset);
  }
  yield* parser.end();
}

/**
 * As `parseDocument` of the library.
 * @throws DepthError
 */
function parseOne(text: string, lines: LineCounter): Document {
  const composer = new Composer({ uniqueKeys: true });
  const [first, second] = [...composer.compose(tokensOf(text, lines), true, text.length)];
  const document = first as Document;
  if (second !== undefined) {
    const [from, to] = second.range;
    document.errors.push(new YAMLParseError([from, to], 'MULTIPLE_DOCS', 'there is a second document'));
  }
  return document;
}

/** A word as YAML reads it: a number, true, or the text itself. */
export function wordOf(text: string): unknown {
  try {
    const { contents, errors } = parseOne(text, new LineCounter());
    return errors.length === 0 && isScalar(contents) ? (contents.value ?? text) : text;
  } catch (error) {
    if (error instanceof DepthError) return text;
    throw error;
  }
}

/** Parses a file's text; all that is no YAML is told at once. */
export function openDocument(file: string, text: string): OpenDocument | { faults: DocumentFault[] } {
  const lines = new LineCounter();
  const faultAt = (offset: number, reason: string): DocumentFault => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col, field: '', reason };
  };
  let document: Document;
  try {
    document = parseOne(text, lines);
  } catch (error) {
    if (error instanceof DepthError) return { faults: [faultAt(error.offset, error.message)] };
    throw error;
  }
  if (document.errors.length > 0) {
    return {
      faults: document.errors.map(({ pos, message }) => faultAt(pos[0], message.split('\n')[0] ?? message)),
    };
  }
  const place = ({ path, message, isName = false }: Fault): DocumentFault => {
    const { line, col } = lines.linePos(offsetOf(document, path, isName));
    return { file, line, column: col, field: fieldName(path), reason: message };
  };
  const content: OpenDocument['content'] = () => {
    try {
      return { value: document.toJS() };
    } catch (error) {
      // An alias without its anchor is noticed only here.
      return { faults: [place({ path: [], message: (error as Error).message })] };
    }
  };
  return { document, content, place: (faults) => faults.map(place) };
}

/** Where a value stands: itself if it is one word, else its key; the nearest thing around it where it is missing. */
function offsetOf(document: Document, path: readonly PropertyKey[], isName: boolean): number {
  for (let length = path.length; length > 0; length--) {
    const parent = document.getIn(path.slice(0, length - 1), true);
    const name = path[length - 1];
    const pair = isMap(parent)
      ? parent.items.find(({ key }) => String(isScalar(key) ? key.value : key) === String(name))
      : undefined;
    const value = document.getIn(path.slice(0, length), true) as Node | undefined;
    const isWord = isScalar(value) && value.value !== null && !isName;
    const node = isWord ? value : ((pair?.key as Node | undefined) ?? value);
    if (node?.range?.[0] !== undefined) return node.range[0];
  }
  return document.contents?.range?.[0] ?? 0;
}

/** What a schema reports: an issue of zod's. */
interface Issue extends Fault {
  code?: string | undefined;
  keys?: string[];
  errors?: readonly (readonly Issue[])[];
}

/** An unknown key is named as a field of its own; of a union the alternative that came closest speaks. */
export function faultsOf(issue: Issue): Fault[] {
  if (issue.code === 'unrecognized_keys' && issue.keys) {
    return issue.keys.map((key) => ({ path: [...issue.path, key], message: 'no such field', isName: true }));
  }
  const alternatives = issue.errors?.filter((errors) => errors.length > 0);
  if (issue.code === 'invalid_union' && alternatives && alternatives.length > 0) {
    const closest = [...alternatives].sort((a, b) => a.length - b.length)[0] as readonly Issue[];
    return closest.flatMap((inner) => faultsOf({ ...inner, path: [...issue.path, ...inner.path] }));
  }
  return [{ path: issue.path, message: issue.message }];
}

function fieldName(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) =>
      typeof part === 'number' ? `[${part}]` : index === 0 ? String(part) : `.${String(part)}`,
    )
    .join('');
}
