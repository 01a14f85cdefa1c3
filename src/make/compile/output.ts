/** What compilers, linkers and build systems say. */

/** From the most telling kind of message to the least. */
const ERRORS = [
  // gcc, clang: file:line:column: error: …
  /^[^\s:][^:]*:\d+:(?:\d+:)? (?:fatal )?error: /,
  // GNU ld and lld
  /undefined reference to |multiple definition of |cannot find -l|undefined symbol: |duplicate symbol: /,
  // configure, autoreconf, assemblers
  /\berror: |: Error: |^E: /,
  /: command not found$|: not found$|No such file or directory/,
  /^make(\[\d+\])?: \*\*\* /,
];
/** Lines of a message that follow its first: the source line and the marks below it. */
const CONTEXT = 3;

/** The first error, with the lines that belong to it; undefined if nothing looks like one. */
export function firstError(output: string): string | undefined {
  const lines = output.split('\n');
  for (const pattern of ERRORS) {
    const at = lines.findIndex((line) => pattern.test(line));
    if (at === -1) continue;
    const message = [lines[at] as string];
    for (const line of lines.slice(at + 1, at + 1 + CONTEXT)) {
      if (!/^\s+\S/.test(line)) break;
      message.push(line);
    }
    return message.join('\n');
  }
  return undefined;
}

/** How many warnings compilers, linkers and the kernel's modpost gave. */
export function countWarnings(output: string): number {
  return output.match(/: warning: |^WARNING: /gm)?.length ?? 0;
}

/** Symbols that no module and no kernel has, each once, by the kernel's modpost. */
export function undefinedSymbols(output: string): string[] {
  const found = output.matchAll(/^(?:WARNING|ERROR): (?:modpost: )?"(\S+)" \[\S+\] undefined!$/gm);
  return [...new Set([...found].map(([, name]) => name as string))].sort();
}
