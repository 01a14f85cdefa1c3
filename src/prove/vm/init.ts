/** The scripts that run in a guest, and what they are told. No I/O. */
import { randomBytes } from 'node:crypto';
import { type CpioEntry, cpio, file, link } from './cpio.js';

/** Written to the serial line when the guest waits to be told what it is. */
export const WAITING = 'aoe-lab: guest waits';

/**
 * Written before it where the kernel's random numbers don't depend on what is still to come any more: guests that go on from
 * there would draw the same ones, their boot id (random(4)) among them.
 */
export const SEEDED = 'aoe-lab: random numbers are drawn';

/** Written to the serial line when the guest can be reached. */
export const READY = 'aoe-lab: guest is ready';

/** Addresses of QEMU's user network (`-netdev user`): 10.0.2.0/24, the guest's own being the first it would lease. */
export const GUEST_ADDRESS = '10.0.2.15';

/** The guest's second serial line. */
const PORT = '/dev/ttyS1';

/** Where the modules are named that are loaded at boot. */
export const MODULES_FILE = 'etc/guest-modules';

/**
 * The first process, up to where all guests are the same, and on. What a guest is told comes in lines of base64, since
 * whoever is not just reading loses what is sent, and with the hour: a boot that was saved took place before. Its random
 * numbers wait for what is its own.
 */
const FIRST = `#!/bin/sh
export PATH=/sbin:/usr/sbin:/bin:/usr/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
for module in $(cat /${MODULES_FILE}); do
  insmod "/lib/modules/$module.ko" || echo "aoe-lab: $module was not loaded"
done
exec 3< ${PORT}
stty -F ${PORT} raw -echo 115200
! dmesg | grep -q 'crng init done' || echo '${SEEDED}'
echo '${WAITING}'
while read -r line <&3 && [ "$line" != . ]; do echo "$line"; done | base64 -d | (cd / && cpio -i -u 2> /dev/null)
exec 3<&-
. /etc/guest
# QEMU's clock went on meanwhile; a kernel without a driver for it takes the hour at which this was sent.
hwclock -s -u 2> /dev/null || date -s "@$NOW" > /dev/null
cat /etc/guest-seed > /dev/urandom
head -c 1 /dev/random > /dev/null
rm /etc/guest-seed
hostname "$NAME"
for disk in $DISKS; do
  until [ -e "/dev/$disk" ]; do sleep 0.05; done
done
exec "$INIT"
`;

const NETWORK = `ip link set lo up
for line in $LINKS; do
  mac=\${line%%,*}; rest=\${line#*,}; name=\${rest%%,*}; mtu=\${rest#*,}
  until path=$(grep -lx "$mac" /sys/class/net/*/address); do sleep 0.05; done
  old=\${path%/address}; old=\${old##*/}
  [ "$old" = "$name" ] || ip link set "$old" name "$name"
  ip link set "$name" mtu "$mtu" up
done
ip addr add ${GUEST_ADDRESS}/24 dev mgmt
`;

const INIT = `#!/bin/sh
mkdir -p /dev/pts /dev/shm /run /tmp /mnt /var/log
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /tmp
. /etc/guest
${NETWORK}
dropbear -E -s -r /etc/dropbear/key -p 22 -P /run/dropbear.pid
echo '${READY}'
`;

/** Of a guest in memory, and of one whose system lies on its first disk: what the first process goes on as. */
const MEMORY_INIT = '/sbin/init';
const DISK_INIT = '/etc/disk-init';

/** What the system on the disk is told, below /run: systemd takes units from there as well. */
const ON_DISK = `#!/bin/sh
. /etc/guest
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
    file('init', FIRST, 0o755),
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
  links: readonly { mac: string; name: string; mtu: number }[];
  disks: number;
  /** Whether its system is the one on its first disk. */
  fromDisk: boolean;
  /** In dropbear's own format. */
  hostKey: Buffer;
  /** A line of authorized_keys. */
  clientKey: string;
}

/** What one guest is told, as it is sent to it. */
export function settingsText(settings: GuestSettings): string {
  const { hostKey, clientKey } = settings;
  const archive = cpio([
    file('etc/guest', settingsFile(settings)),
    file('etc/guest-seed', randomBytes(64), 0o600),
    file('etc/dropbear/key', hostKey, 0o600),
    file('root/.ssh/authorized_keys', `${clientKey}\n`, 0o600),
  ]);
  const lines = archive.toString('base64').match(/.{1,76}/g) ?? [];
  return [...lines, '.', ''].join('\n');
}

function settingsFile({ name, links, disks, fromDisk }: GuestSettings): string {
  const values = {
    NAME: name,
    NOW: String(Math.floor(Date.now() / 1000)),
    LINKS: links.map((one) => `${one.mac},${one.name},${one.mtu}`).join(' '),
    DISKS: Array.from({ length: disks }, (_, index) => diskName(index)).join(' '),
    INIT: fromDisk ? DISK_INIT : MEMORY_INIT,
  };
  const lines = Object.entries(values).map(([name, value]) => `${name}='${value}'\n`);
  return lines.join('');
}

/** `vda` to `vdz`: the machine has no room for more. */
function diskName(index: number): string {
  return `vd${String.fromCharCode('a'.charCodeAt(0) + index)}`;
}
