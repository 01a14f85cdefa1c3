import { readable } from '../../make/patch/text.js';
import type { FileChange } from '../../make/patch/tree-view.js';
import colors from './colors.js';

/** Lines of context around a change. */
const CONTEXT = 3;

/** What a patch does to a file, as a coloured unified diff. */
export async function describeChange({ path, before, after, change }: FileChange): Promise<string> {
  const { createTwoFilesPatch, FILE_HEADERS_ONLY } = await import('diff');
  const from = change === 'created' ? '/dev/null' : `a/${path}`;
  const to = change === 'deleted' ? '/dev/null' : `b/${path}`;
  const text = createTwoFilesPatch(from, to, before, after, undefined, undefined, {
    context: CONTEXT,
    headerOptions: FILE_HEADERS_ONLY,
  });
  return readable(text)
    .trimEnd()
    .split('\n')
    .map((line) => {
      if (/^(---|\+\+\+) /.test(line)) return colors.bold(line);
      if (line.startsWith('@@')) return colors.cyan(line);
      if (line.startsWith('+')) return colors.green(line);
      return line.startsWith('-') ? colors.red(line) : line;
    })
    .join('\n');
}
