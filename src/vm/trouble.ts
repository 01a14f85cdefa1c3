/** What a kernel complains of on its console. No I/O. */

/** The first line of each kind of complaint (kernel/panic.c, lib/bug.c, arch/x86/mm/fault.c, kernel/hung_task.c, …). */
const BEGINS =
  /(?:Kernel panic|Oops|BUG: |WARNING: |kernel BUG at|general protection fault|Unable to handle|invalid opcode|divide error|INFO: task .* blocked|rcu: INFO: .*stall|Out of memory|soft lockup)/;
const STAMP = /^\[ *\d+\.\d+\] /;
/** Lines shown of each complaint. */
const MOST = 12;

/** Complaints of a kernel in its log, each from its first line on, at most some lines of it; most telling ones whole. */
export function kernelTrouble(log: string): string[] {
  const lines = log.replaceAll('\r', '').split('\n');
  const found: string[] = [];
  for (let index = 0; index < lines.length; index++) {
    if (!BEGINS.test(lines[index] ?? '')) continue;
    const rest = lines.slice(index, index + MOST * 3);
    const kept = rest
      .map((line) => line.replace(STAMP, ''))
      // Registers and code bytes tell nobody anything here.
      .filter((line) => !/^(?:R\w\w:|R\d\d:|FS:|CS:|CR2:|DR\d:|PKRU|Code:|Modules linked)/.test(line.trim()))
      .slice(0, MOST);
    found.push(kept.join('\n').trimEnd());
    const end = rest.findIndex((line) => /---\[ end/.test(line));
    index += Math.max(end, 0);
  }
  return found;
}
