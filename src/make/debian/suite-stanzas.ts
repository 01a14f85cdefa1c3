/**
 * From the machine's own list of package archives to any suite of Debian's, at the same mirror. No I/O.
 * Formats: sources.list(5), one-line and deb822.
 */
import { fieldsOf, isMedium } from './source-lines.js';

/** An archive as the machine's list names it. */
interface Archive {
  uris: string[];
  suites: string[];
  components: string[];
  /** Other fields (Signed-By, Trusted, …), as deb822 lines. */
  rest: string[];
}

const RELEASE =
  '(?:buster|bullseye|bookworm|trixie|forky|duke|sid|(?:old)*stable|testing|unstable|experimental)';
const MAIN = new RegExp(`^${RELEASE}(?:-(?:updates|backports|backports-sloppy|proposed-updates))?$`);
const SECURITY = new RegExp(`^${RELEASE}(?:-security|/updates)$`);

/**
 * Stanzas for binary packages of a suite: Debian's archive as the machine reaches it and, for releases, the archive of
 * security updates. None if the machine names no archive of Debian's.
 */
export function suiteStanzas(files: readonly { text: string; isDeb822: boolean }[], suite: string): string[] {
  const archives = files.flatMap(({ text, isDeb822 }) => (isDeb822 ? stanzasOf(text) : linesOf(text)));
  const holds = (pattern: RegExp) => (archive: Archive) =>
    archive.components.includes('main') && archive.suites.some((name) => pattern.test(name));
  const main = preferred(archives.filter(holds(MAIN)));
  const security = preferred(archives.filter(holds(SECURITY)));
  const isRelease = !/-|^(?:sid|unstable|testing|experimental)$/.test(suite);
  return [
    ...new Set([
      ...main.map((archive) => stanza(archive, suite)),
      ...(isRelease ? security.map((archive) => stanza(archive, `${suite}-security`)) : []),
    ]),
  ];
}

/** Others name suites after Debian's releases as well: what ends as Debian's mirrors do comes before them. */
function preferred(archives: Archive[]): Archive[] {
  const sure = archives.filter(({ uris }) => uris.some((uri) => /\/debian(?:-security)?\/?$/.test(uri)));
  return sure.length > 0 ? sure : archives;
}

function stanza({ uris, rest }: Archive, suite: string): string {
  return ['Types: deb', `URIs: ${uris.join(' ')}`, `Suites: ${suite}`, 'Components: main', ...rest].join(
    '\n',
  );
}

/** Options of the one-line format are fields of the other under the same name (sources.list(5)), but for these. */
const LEFT_OUT = /^(?:arch|lang|architectures|languages|target|pdiffs|by-hash)[+-]?$/;

function linesOf(text: string): Archive[] {
  return text.split('\n').flatMap((line) => {
    const parsed = /^\s*deb(?:-src)?\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+([^#]*)/.exec(line);
    const [, options = '', uri = '', words = ''] = parsed ?? [];
    const [suite, ...components] = words.trim().split(/\s+/);
    if (parsed === null || suite === undefined || isMedium(uri)) return [];
    const rest = options.split(/\s+/).flatMap((option) => {
      const [name = '', ...value] = option.split('=');
      return value.length === 0 || LEFT_OUT.test(name) ? [] : [`${name}: ${value.join('=')}`];
    });
    return [{ uris: [uri], suites: [suite], components, rest }];
  });
}

const OWN = new Set(['types', 'uris', 'suites', 'components', 'enabled']);

function stanzasOf(text: string): Archive[] {
  return text.split(/\n\s*\n/).flatMap((part) => {
    const fields = fieldsOf(part);
    const words = (name: string): string[] => {
      const lines = fields.find((field) => field.name === name)?.lines ?? [];
      return lines
        .join(' ')
        .replace(/^[^:]*:/, '')
        .split(/\s+/)
        .filter((word) => word !== '');
    };
    if (/^(no|false|without|off|disable|0)$/i.test(words('enabled')[0] ?? '')) return [];
    const uris = words('uris').filter((uri) => !isMedium(uri));
    if (uris.length === 0 || words('types').length === 0) return [];
    const rest = fields
      .filter(({ name }) => !OWN.has(name) && !LEFT_OUT.test(name))
      .flatMap(({ lines }) => lines);
    return [{ uris, suites: words('suites'), components: words('components'), rest }];
  });
}
