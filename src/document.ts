/** YAML files of people: parsed with the place of every value, so that each fault is told with line, column and field. */
import { type Document, isMap, isScalar, LineCounter, type Node, parseDocument } from 'yaml';

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
  /** Gives faults their places. */
  place(faults: readonly Fault[]): DocumentFault[];
}

/** Parses a file's text; all that is no YAML is told at once. */
export function openDocument(file: string, text: string): OpenDocument | { faults: DocumentFault[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  if (document.errors.length > 0) {
    return {
      faults: document.errors.map((error) => {
        const { line, col } = lines.linePos(error.pos[0]);
        const reason = error.message.split('\n')[0] ?? error.message;
        return {
          file,
          line,
          column: col,
          field: '',
          reason: reason.replace(/ at line \d+, column \d+:?$/, ''),
        };
      }),
    };
  }
  const place = ({ path, message, isName = false }: Fault): DocumentFault => {
    const { line, col } = lines.linePos(offsetOf(document, path, isName));
    return { file, line, column: col, field: fieldName(path), reason: message };
  };
  return { document, place: (faults) => faults.map(place) };
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
