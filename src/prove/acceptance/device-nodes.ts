/** Nodes of the aoe driver below /dev/etherd, where neither devtmpfs nor udev makes them. */
import { linesOf, MissingError } from '../../base/errors.js';
import type { Host } from '../../hosts/host/host.js';

/**
 * Makes the nodes that the driver's devices lack now, with the numbers that sysfs tells. Prints those that could not be made.
 * Those made are listed in the folder itself, so that they can be taken away whoever asks for it.
 */
const MAKE = `mkdir -p /dev/etherd
node() {
  [ -r "$3" ] && [ ! -e "/dev/etherd/$1" ] || return 0
  IFS=: read -r major minor < "$3"
  echo "$1" >> /dev/etherd/.aoe-lab
  mknod -m 600 "/dev/etherd/$1" "$2" "$major" "$minor" || echo "/dev/etherd/$1"
}
for one in /sys/class/aoe/*; do node "\${one##*/}" c "$one/dev"; done
for one in /sys/block/etherd!*; do node "\${one##*!}" b "$one/dev"; done`;

const REMOVE = `list=/dev/etherd/.aoe-lab
[ -e "$list" ] || exit 0
while read -r name; do rm -f "/dev/etherd/$name"; done < "$list"
rm -f "$list"
rmdir /dev/etherd 2> /dev/null || :`;

/** @throws MissingError that names the host if a node is missing and can't be made */
export async function makeNodes(host: Pick<Host, 'run' | 'name'>): Promise<void> {
  const { stdout, stderr } = await host.run(['sh', '-c', MAKE]);
  const lacking = stdout.split('\n').filter((line) => line !== '');
  if (lacking.length === 0) return;
  throw new MissingError({
    tried: `making the device nodes of the aoe driver on ${host.name}, the client`,
    happened: [`${lacking.join(', ')} can not be made`, ...linesOf(stderr)],
    next: 'mount devtmpfs or a file system that takes device nodes at /dev there, or take another client',
    missing: lacking,
  });
}

/** Takes away the nodes that `makeNodes` made, also those of a killed command. */
export async function removeNodes(host: Pick<Host, 'run'>): Promise<void> {
  await host.run(['sh', '-c', REMOVE]);
}
