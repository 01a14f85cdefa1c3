/** The only writers: results go to stdout, everything else to stderr. */

export interface PrintOptions {
  json?: boolean | undefined;
}

/** Prints a result: as JSON on stdout and nothing else there, or as the text that `human` composes. */
export function print(result: unknown, options: PrintOptions, human: () => string): void {
  const text = options.json ? JSON.stringify(result, jsonValue, 2) : human();
  if (text !== '') process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

/** A message for the person at the terminal. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

function jsonValue(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  return value;
}
