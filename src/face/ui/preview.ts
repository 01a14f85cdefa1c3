import { quoteShown, showArgv } from '../../hosts/host/quote.js';
import type { Preview } from '../../serve/exports/driver.js';

/** Commands as a person would type them, files as here documents. */
export function describePreview({ commands, files }: Preview): string {
  return [...files.map(hereDocument), ...commands.map(showArgv)].join('\n');
}

function hereDocument({ path, text }: Preview['files'][number]): string {
  const body = text.trimEnd();
  const lines = body.split('\n');
  let end = 'END';
  while (lines.includes(end)) end += '_';
  return `cat > ${quoteShown(path)} <<'${end}'\n${body}\n${end}`;
}
