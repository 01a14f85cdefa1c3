/**
 * The command that writes a line into a file that is there: a control file of the kernel's, which takes it as a whole and
 * refuses it by an error. `Host.write` would put another file in its place.
 */
export function writeLine(path: string, line: string): string[] {
  return ['sh', '-c', 'echo "$1" > "$2"', 'sh', line, path];
}
