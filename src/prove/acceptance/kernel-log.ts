import type { Host } from '../../hosts/host/host.js';

/** Lines of a kernel's log, the newest last; the oldest may be lost (dmesg(1): a ring). */
export async function kernelLog(host: Pick<Host, 'run'>): Promise<string[]> {
  return (await host.run(['dmesg'])).stdout.split('\n').filter((line) => line !== '');
}

/** Lines that came after another; all, if that one is lost by now. Lines bear their time, and are not written twice. */
export function linesAfter(log: readonly string[], line: string | undefined): string[] {
  return log.slice(line === undefined ? 0 : log.lastIndexOf(line) + 1);
}
