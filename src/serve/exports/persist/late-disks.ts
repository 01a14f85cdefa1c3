/**
 * A daemon's unit may open the disks that it names, by the numbers that they have when it is started (DeviceAllow). One
 * that comes later, or comes again with another number, is let in by a unit beside it, which has the manager look again.
 * No I/O.
 */
import type { Program } from '../program.js';

/** `$1` is the file of the unit. Names of disks are taken from it each time: exports come and go. */
const WATCH = `numbers() { for disk in $(sed -n 's|^DeviceAllow=\\(/[^ "]*\\) rw$|\\1|p' "$1"); do stat -L -c '%n %t:%T' "$disk" 2>/dev/null; done; }
# One may have come between the start of the unit and this.
was=
while sleep 2; do
  now=$(numbers "$1")
  [ "$now" = "$was" ] || systemctl daemon-reload || continue
  was=$now
done`;

/** Undefined where the unit of a program names no disk. */
export function lateDisksCommand({ settings }: Program, unitFile: string): string[] | undefined {
  const names = settings.some(([name, value]) => name === 'DeviceAllow' && value.startsWith('/dev/'));
  return names ? ['/bin/sh', '-c', WATCH, 'aoe-lab-disks', unitFile] : undefined;
}
