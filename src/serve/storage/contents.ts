/**
 * Files that hold a disk rather than being one: images of virtual machines, compressed files, archives. A target serves
 * bytes as they are, so that an initiator would see the container and format it. No I/O.
 */

interface Format {
  name: string;
  at: number;
  magic: string | readonly number[];
  /** How a disk is made of it. */
  wayOut: 'qemu' | readonly string[];
}

/** First bytes, as file(1), QEMU's block drivers and the formats' own documents have them. */
const FORMATS: readonly Format[] = [
  { name: 'qcow2', at: 0, magic: 'QFI\xfb', wayOut: 'qemu' },
  { name: 'QED', at: 0, magic: 'QED\0', wayOut: 'qemu' },
  { name: 'VMDK', at: 0, magic: 'KDMV', wayOut: 'qemu' },
  { name: 'VMDK', at: 0, magic: 'COWD', wayOut: 'qemu' },
  { name: 'VMDK', at: 0, magic: '# Disk DescriptorFile', wayOut: 'qemu' },
  { name: 'VHD', at: 0, magic: 'conectix', wayOut: 'qemu' },
  { name: 'VHDX', at: 0, magic: 'vhdxfile', wayOut: 'qemu' },
  { name: 'VDI', at: 64, magic: [0x7f, 0x10, 0xda, 0xbe], wayOut: 'qemu' },
  { name: 'Parallels', at: 0, magic: 'WithoutFreeSpace', wayOut: 'qemu' },
  { name: 'Parallels', at: 0, magic: 'WithouFreSpacExt', wayOut: 'qemu' },
  { name: 'Bochs', at: 0, magic: 'Bochs Virtual HD Image', wayOut: 'qemu' },
  { name: 'gzip', at: 0, magic: [0x1f, 0x8b], wayOut: ['gunzip --keep'] },
  { name: 'bzip2', at: 0, magic: 'BZh', wayOut: ['bunzip2 --keep'] },
  { name: 'xz', at: 0, magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], wayOut: ['unxz --keep'] },
  { name: 'Zstandard', at: 0, magic: [0x28, 0xb5, 0x2f, 0xfd], wayOut: ['unzstd'] },
  { name: 'LZ4', at: 0, magic: [0x04, 0x22, 0x4d, 0x18], wayOut: ['unlz4'] },
  { name: 'lzop', at: 0, magic: [0x89, 0x4c, 0x5a, 0x4f, 0, 0x0d, 0x0a, 0x1a, 0x0a], wayOut: ['lzop -d'] },
  { name: 'lzip', at: 0, magic: 'LZIP', wayOut: ['lzip -dk'] },
  { name: 'compress', at: 0, magic: [0x1f, 0x9d], wayOut: ['uncompress -k'] },
  { name: 'zip', at: 0, magic: 'PK\x03\x04', wayOut: ['unzip'] },
  { name: '7-Zip', at: 0, magic: [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c], wayOut: ['7z x'] },
  { name: 'RAR', at: 0, magic: 'Rar!\x1a\x07', wayOut: ['unrar x'] },
  { name: 'WIM', at: 0, magic: 'MSWIM\0\0\0', wayOut: ['wimapply'] },
  { name: 'EWF', at: 0, magic: 'EVF\t\r\n\xff\0', wayOut: ['ewfexport'] },
  { name: 'Android sparse', at: 0, magic: [0x3a, 0xff, 0x26, 0xed], wayOut: ['simg2img'] },
  { name: 'tar', at: 257, magic: 'ustar', wayOut: ['tar -xf'] },
  { name: 'Proxmox VMA', at: 0, magic: 'VMA\0', wayOut: ['vma extract'] },
];

/** At the end of the file. */
const TRAILERS: readonly { name: string; magic: string }[] = [
  { name: 'VHD', magic: 'conectix' },
  { name: 'DMG', magic: 'koly' },
];

export interface Container {
  /** Such as `qcow2`. */
  name: string;
  /** What makes a disk of it, each a command to be completed or a hint. */
  wayOut: string[];
}

/**
 * @param head its first kibibyte
 * @param tail its last 512 bytes; empty of a device
 */
export function containerIn(path: string, head: Buffer, tail: Buffer): Container | undefined {
  const format = FORMATS.find(({ at, magic }) => has(head, at, magic));
  if (format !== undefined) return { name: format.name, wayOut: wayOut(path, format.wayOut) };
  const trailer = TRAILERS.find(({ magic }) => has(tail, 0, magic));
  return trailer === undefined ? undefined : { name: trailer.name, wayOut: wayOut(path, 'qemu') };
}

function wayOut(path: string, way: Format['wayOut']): string[] {
  if (way !== 'qemu') return way.map((command) => `unpack it first: ${command} ${path}`);
  return [
    `make a plain image of it: qemu-img convert -O raw ${path} NEW`,
    `or serve its content by a device: qemu-nbd --connect=/dev/nbd0 ${path}, and export /dev/nbd0`,
  ];
}

function has(bytes: Buffer, at: number, magic: Format['magic']): boolean {
  const wanted = typeof magic === 'string' ? Buffer.from(magic, 'latin1') : Buffer.from(magic);
  return bytes.length >= at + wanted.length && bytes.subarray(at, at + wanted.length).equals(wanted);
}
