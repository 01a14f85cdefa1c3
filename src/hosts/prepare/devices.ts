/** Block devices and who uses them, by lsblk(8) of any age, or without it by /sys, /proc/mounts and /proc/swaps. */
import { parseJson } from '../../base/json.js';

export interface SurveyedDevice {
  path: string;
  type: string;
  /** Bytes. */
  size: number;
  readOnly: boolean;
  /** Mount points, holders and signatures: who uses it. Empty: nobody that can be seen. */
  usedBy: string[];
}

/**
 * Of the shell. lsblk before util-linux 2.37 has one mount point a device, before 2.33 no column of whole paths, and prints
 * numbers as texts; busybox has none.
 */
export const DEVICES = `by_lsblk() {
  answer=$(lsblk --json --bytes --paths --output "NAME,TYPE,SIZE,RO,FSTYPE,$1" 2>/dev/null) && [ -n "$answer" ] &&
  printf '%s\\n' "$answer"
}
by_lsblk MOUNTPOINTS || by_lsblk MOUNTPOINT ||
for d in /sys/class/block/*; do
  [ -e "$d/size" ] || continue
  type=disk name=/dev/\${d##*/} holders=
  [ ! -e "$d/partition" ] || type=part
  [ ! -d "$d/loop" ] || type=loop
  if [ -r "$d/dm/name" ]; then type=dm; read -r name < "$d/dm/name"; name=/dev/mapper/$name; fi
  read -r size < "$d/size"; read -r ro < "$d/ro"
  for h in "$d"/holders/* "$d/\${d##*/}"*; do
    if [ -e "$h/size" ] || [ -L "$h" ]; then holders="$holders /dev/\${h##*/}"; fi
  done
  while read -r source place _; do
    if [ "$source" = "$name" ] || [ "$source" = "/dev/\${d##*/}" ]; then holders="$holders $place"; fi
  done < /proc/mounts
  while read -r source _; do [ "$source" != "$name" ] || holders="$holders [SWAP]"; done < /proc/swaps
  echo "$name $type $size $ro$holders"
done`;

interface BlockDevice {
  name: string;
  type: string;
  size: number | string;
  ro: boolean | string;
  mountpoints?: (string | null)[];
  mountpoint?: string | null;
  fstype?: string | null;
  children?: BlockDevice[];
}

/** What `DEVICES` printed. */
export function readDevices(text: string): SurveyedDevice[] {
  if (!text.startsWith('{')) return readLines(text);
  const flat = (device: BlockDevice): SurveyedDevice[] => [
    {
      path: device.name,
      type: device.type,
      size: Number(device.size),
      readOnly: device.ro === true || device.ro === '1',
      usedBy: [
        ...(device.mountpoints ?? [device.mountpoint ?? null]).filter((place) => place !== null),
        ...(device.children ?? []).map(({ name }) => name),
        ...(device.fstype ? [device.fstype] : []),
      ],
    },
    ...(device.children ?? []).flatMap(flat),
  ];
  const { blockdevices } = parseJson(text) as { blockdevices: BlockDevice[] };
  const all = blockdevices.flatMap(flat);
  // What lies on several devices is listed with each.
  return [...new Map(all.map((device) => [device.path, device])).values()];
}

/** Sizes are in units of 512 bytes; a device without a medium, or a loop device without a file, has none. */
function readLines(text: string): SurveyedDevice[] {
  return text
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, , size]) => Number(size) > 0)
    .map(([path = '', type = '', size, ro, ...usedBy]) => ({
      path,
      type,
      size: Number(size) * 512,
      readOnly: ro === '1',
      usedBy,
    }));
}
