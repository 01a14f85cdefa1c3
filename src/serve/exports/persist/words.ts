/** How words are written in unit files of systemd (systemd.syntax(7), systemd.unit(5)). */

const PLAIN = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** One word of a setting; `%` begins a specifier there. */
export function unitWord(word: string): string {
  const escaped = word.replaceAll('%', '%%');
  if (PLAIN.test(word)) return escaped;
  const quoted = escaped.replaceAll(/["\\]/g, '\\$&').replaceAll(/[^\x20-\x7e\x80-\uffff]/gu, octets);
  return `"${quoted}"`;
}

/** A word of a command line, where `$` begins a variable. */
export function commandWord(word: string): string {
  return unitWord(word).replaceAll('$', '$$$$');
}

export function commandLine(argv: readonly string[]): string {
  return argv.map(commandWord).join(' ');
}

/** A setting that is taken as it stands, to the end of its line. */
export function plainText(text: string): string {
  return text.replaceAll('%', '%%').replaceAll(/[\r\n]/g, ' ');
}

/** The unit of a device that udev knows, by a path below /dev or /sys. */
export function deviceUnit(path: string): string {
  return `${escapedPath(path)}.device`;
}

/** The units of all mount points that a file may lie below, but for the root. */
export function mountUnits(path: string): string[] {
  const folders = path.split('/').filter(Boolean).slice(0, -1);
  return folders.map((_, index) => `${escapedPath(folders.slice(0, index + 1).join('/'))}.mount`);
}

/** As `systemd-escape --path` has it. */
function escapedPath(path: string): string {
  return path
    .replace(/^\/+/, '')
    .replaceAll(/[^A-Za-z0-9:_./]|^\./g, octets)
    .replaceAll('/', '-');
}

function octets(text: string): string {
  return [...Buffer.from(text)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
}
