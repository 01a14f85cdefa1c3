/** What a kernel complains of on its console. No I/O. */

/** The first line of each kind of complaint (kernel/panic.c, lib/bug.c, arch/x86/mm/fault.c, kernel/hung_task.c, …). */
const BEGINS =
  /(?:Kernel panic|Oops|BUG: |WARNING: |kernel BUG at|general protection fault|Unable to handle|invalid opcode|divide error|INFO: task .* blocked|rcu: INFO: .*stall|Out of memory|soft lockup)/;
const STAMP = /^\[ *\d+\.\d+\] /;
/** Registers and code bytes, which tell nobody anything here. */
const NOISE = /^(?:R(?!IP)\w\w:|FS:|CS:|CR2:|DR\d:|PKRU|Code:|Modules linked)/;
/** Lines shown of each complaint. */
const MOST = 12;

/** Complaints of a kernel in its log, each from its first line on, some lines of it. */
export function kernelTrouble(log: string): string[] {
  const lines = log.replaceAll('\r', '').split('\n');
  const found: string[] = [];
  for (let index = 0; index < lines.length; index++) {
    if (!BEGINS.test(lines[index] ?? '')) continue;
    const rest = lines.slice(index, index + MOST * 4);
    const end = rest.findIndex((line) => /---\[ end/.test(line));
    const kept = rest
      .slice(0, end > 0 ? end : rest.length)
      .map((line) => line.replace(STAMP, ''))
      .filter((line) => !NOISE.test(line.trim()))
      .slice(0, MOST);
    found.push(kept.join('\n').trimEnd());
    index += Math.max(end, 0);
  }
  return found;
}
