/**
 * When a process began, in clock ticks since boot: field 22 of /proc/PID/stat (proc(5)). With the boot it tells a process from
 * others that have its id. Empty where the text is none.
 */
export function startTicks(stat: string): string {
  // The second field is the command's name in parentheses and may hold blanks.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
