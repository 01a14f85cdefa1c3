/**
 * The command that writes lines into files that are there, one after another until one is refused: control files of the
 * kernel's, which take a line as a whole and refuse it by an error. `Host.write` would put another file in its place.
 */
export function writeLines(lines: readonly { path: string; line: string }[]): string[] {
  const words = lines.flatMap(({ path, line }) => [line, path]);
  if (lines.length === 1) return ['sh', '-c', 'echo "$1" > "$2"', 'sh', ...words];
  return ['sh', '-c', 'while [ $# -gt 0 ]; do echo "$1" > "$2" || exit; shift 2; done', 'sh', ...words];
}
