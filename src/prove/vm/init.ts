/** The scripts that run in a guest, and what they are told. No I/O. */
import { type CpioEntry, file, link } from './cpio.js';

/** Written to the serial line when the guest can be reached. */
export const READY = 'aoe-lab: guest is ready';

/** Addresses of QEMU's user network (`-netdev user`): 10.0.2.0/24, the guest's own being the first it would lease. */
export const GUEST_ADDRESS = '10.0.2.15';

const MOUNT = `export PATH=/sbin:/usr/sbin:/bin:/usr/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
`;

const SETTINGS = `. /etc/guest
hostname "$NAME"
for module in $MODULES; do insmod "/lib/modules/$module.ko" || echo "aoe-lab: $module was not loaded"; done
`;

const NETWORK = `ip link set lo up
for line in $LINKS; do
  mac=\${line%%,*}; rest=\${line#*,}; name=\${rest%%,*}; mtu=\${rest#*,}
  for path in /sys/class/net/*; do
    [ "$(cat "$path/address")" = "$mac" ] || continue
    old=\${path##*/}
    [ "$old" = "$name" ] || ip link set "$old" name "$name"
    ip link set "$name" mtu "$mtu" up
  done
done
ip addr add ${GUEST_ADDRESS}/24 dev mgmt
`;

const INIT = `#!/bin/sh
${MOUNT}
mkdir -p /dev/pts /dev/shm /run /tmp /mnt /var/log
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /tmp
${SETTINGS}
${NETWORK}
dropbear -E -s -r /etc/dropbear/key -p 22 -P /run/dropbear.pid
echo '${READY}'
`;

/** Where the first process of a guest is found whose system lies on its first disk. */
export const DISK_INIT = '/etc/disk-init';

/** What the system on the disk is told, below /run: systemd takes units from there as well. */
const ON_DISK = `#!/bin/sh
${MOUNT}
${SETTINGS}
mkdir -p /disk
mount -t ext4 /dev/vda /disk
mount -t tmpfs -o mode=755 tmpfs /disk/run
mkdir -p /disk/run/guest /disk/root/.ssh
cp /etc/guest /etc/dropbear/key /etc/guest-network /disk/run/guest
cp /root/.ssh/authorized_keys /disk/root/.ssh
# A folder there is the sign that systemd runs (sd_booted(3)).
[ ! -e /disk/lib/systemd/systemd ] || cp -a /etc/guest-units /disk/run/systemd
chmod -R go= /disk/root /disk/run/guest
echo "$NAME" > /disk/etc/hostname
for place in proc sys dev; do mount --move "/$place" "/disk/$place"; done
exec switch_root /disk /sbin/init
`;

const UNITS = 'etc/guest-units/system';

/** Units by which a system with systemd gets its network and can be reached. */
function unitFiles(): CpioEntry[] {
  const network = [
    '[Unit]',
    'Before=network.target',
    'Wants=network.target',
    'After=systemd-udev-trigger.service',
  ];
  const once = [
    '[Service]',
    'Type=oneshot',
    'RemainAfterExit=yes',
    'ExecStart=/bin/sh /run/guest/guest-network',
  ];
  const shell = ['[Unit]', 'After=guest-network.service', 'Requires=guest-network.service', '[Service]'];
  const reached = [
    // It listens when it goes to the background.
    'Type=forking',
    'PIDFile=/run/dropbear.pid',
    'ExecStart=/usr/sbin/dropbear -E -s -r /run/guest/key -p 22 -P /run/dropbear.pid',
    `ExecStartPost=/bin/sh -c "echo '${READY}' > /dev/console"`,
    // Whoever is connected may be asking for the reboot.
    'KillMode=process',
  ];
  return [
    file(`${UNITS}/guest-network.service`, `${[...network, ...once].join('\n')}\n`),
    file(`${UNITS}/guest-shell.service`, `${[...shell, ...reached].join('\n')}\n`),
    link(`${UNITS}/multi-user.target.wants/guest-shell.service`, '../guest-shell.service'),
    // It needs D-Bus and serves people at a screen.
    link(`${UNITS}/systemd-logind.service`, '/dev/null'),
  ];
}

/** busybox's init gathers the processes that have lost their parents. */
const INITTAB = `::sysinit:/etc/rc
::shutdown:/bin/sync
`;

/** What is the same in all guests. */
export function commonFiles(): CpioEntry[] {
  return [
    { path: 'dev/console', mode: 0o20600, device: [5, 1] },
    { path: 'dev/null', mode: 0o20666, device: [1, 3] },
    ...['proc', 'sys', 'dev', 'tmp', 'run', 'mnt', 'var/log'].map((path) => ({ path, mode: 0o40755 })),
    { path: 'root', mode: 0o40700 },
    { path: 'root/.ssh', mode: 0o40700 },
    link('init', 'bin/busybox'),
    file('etc/rc', INIT, 0o755),
    file('etc/inittab', INITTAB),
    file(DISK_INIT.slice(1), ON_DISK, 0o755),
    file('etc/guest-network', `. /run/guest/guest\n${NETWORK}`),
    ...unitFiles(),
    // Scripts of aoetools ask for it and use nothing that sh lacks.
    file('bin/bash', '#!/bin/sh\nexec /bin/sh "$@"\n', 0o755),
    file('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\n'),
    file('etc/group', 'root:x:0:\n'),
    file('etc/shells', '/bin/sh\n'),
    file('etc/hosts', '127.0.0.1 localhost\n'),
    link('etc/mtab', '/proc/mounts'),
  ];
}

export interface GuestSettings {
  name: string;
  /** Loaded in this order. */
  modules: readonly string[];
  links: readonly { mac: string; name: string; mtu: number }[];
  /** In dropbear's own format. */
  hostKey: Buffer;
  /** A line of authorized_keys. */
  clientKey: string;
}

/** What one guest is told. */
export function settingsFiles({ name, modules, links, hostKey, clientKey }: GuestSettings): CpioEntry[] {
  const lines = links.map((one) => `${one.mac},${one.name},${one.mtu}`);
  return [
    file('etc/guest', `NAME='${name}'\nMODULES='${modules.join(' ')}'\nLINKS='${lines.join(' ')}'\n`),
    file('etc/dropbear/key', hostKey, 0o600),
    file('root/.ssh/authorized_keys', `${clientKey}\n`, 0o600),
  ];
}
