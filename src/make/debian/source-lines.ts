/**
 * From the machine's own list of package archives to one of their source packages. No I/O.
 * Formats: sources.list(5), one-line and deb822.
 */

/**
 * One-line format: each `deb` or `deb-src` line as a `deb-src` line, options (signed-by, trusted, …) kept but for
 * those of binary packages; no line twice.
 */
export function sourceLines(text: string): string[] {
  const lines = text.split('\n').flatMap((line) => {
    const parsed = /^\s*deb(?:-src)?\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+([^#]*)/.exec(line);
    if (parsed === null) return [];
    const [, options = '', uri = '', rest = ''] = parsed;
    if (isMedium(uri)) return [];
    const kept = options.split(/\s+/).filter((option) => option !== '' && !/^(arch|lang)[+-]?=/.test(option));
    const bracket = kept.length > 0 ? `[ ${kept.join(' ')} ] ` : '';
    return [`deb-src ${bracket}${uri} ${rest.trim().replace(/\s+/g, ' ')}`];
  });
  return [...new Set(lines)];
}

/** Fields that say nothing of source packages, or that we set. */
const DROPPED = new Set(['types', 'enabled', 'architectures', 'languages']);

/** deb822 format: each enabled stanza with `Types: deb-src`; all other fields as they are, keys of several lines too. */
export function sourceStanzas(text: string): string[] {
  const stanzas = text.split(/\n\s*\n/).flatMap((stanza) => {
    const fields = fieldsOf(stanza);
    const value = (name: string): string =>
      fields
        .find((field) => field.name === name)
        ?.lines.join(' ')
        .replace(/^[^:]*:/, '')
        .trim()
        .toLowerCase() ?? '';
    if (!/\bdeb(-src)?\b/.test(value('types')) || /^(no|false|without|off|disable|0)$/.test(value('enabled')))
      return [];
    if (value('uris').split(/\s+/).every(isMedium)) return [];
    const kept = fields.filter((field) => !DROPPED.has(field.name)).flatMap((field) => field.lines);
    return [['Types: deb-src', ...kept].join('\n')];
  });
  return [...new Set(stanzas)];
}

/** Fields of a deb822 stanza, names in lower case, lines as they stand. */
export function fieldsOf(stanza: string): { name: string; lines: string[] }[] {
  const fields: { name: string; lines: string[] }[] = [];
  for (const line of stanza.split('\n')) {
    if (line.startsWith('#') || line.trim() === '') continue;
    if (/^\s/.test(line)) fields.at(-1)?.lines.push(line);
    else fields.push({ name: (line.split(':')[0] ?? '').trim().toLowerCase(), lines: [line] });
  }
  return fields;
}

/** One that somebody would have to put into a drive. */
export function isMedium(uri: string): boolean {
  return uri.startsWith('cdrom:');
}
