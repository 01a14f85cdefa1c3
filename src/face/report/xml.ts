import { escapeText } from '../../base/escape.js';

/** Attributes of a tag, each with a blank before it. */
export function attributes(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escapeXml(value)}"`)
    .join('');
}

/** Escapes for text and attributes. What XML 1.0 does not allow does not print either, and is shown as on a terminal. */
export function escapeXml(text: string): string {
  return escapeText(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
    .replaceAll('\n', '&#10;')
    .replaceAll('\t', '&#9;');
}
