import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { escapeText } from '../../base/escape.js';
import { packageRoot } from '../../base/files/paths.js';

/** A page of HTML from one of the templates; what does not print in the values is shown as on a terminal. */
export async function renderPage(template: string, values: object): Promise<string> {
  const { default: handlebars } = await import('handlebars');
  const text = await readFile(join(packageRoot, 'templates', template), 'utf8');
  return escapeText(handlebars.create().compile(text, { strict: true })(values));
}
