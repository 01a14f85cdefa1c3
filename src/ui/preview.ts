import { quoteArgv } from '../host/quote.js';
import type { Preview } from '../target/driver.js';

/** Commands as a person would type them, files as here documents. */
export function describePreview({ commands, files }: Preview): string {
  return [
    ...files.map(({ path, text }) => `cat > ${path} <<'END'\n${text.trimEnd()}\nEND`),
    ...commands.map(quoteArgv),
  ].join('\n');
}
