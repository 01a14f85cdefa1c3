/** Numbers of the AoE specification (revision 11) and of ATA, and the words people know them by. */

/** Commands of the AoE header. 0xF0 to 0xFF belong to vendors. */
export const Command = { ata: 0, config: 1, mask: 2, reserve: 3 } as const;

export function isVendorCommand(command: number): boolean {
  return command >= 0xf0 && command <= 0xff;
}

/** Bits of the header's low nibble. */
export const HeaderFlag = { response: 0x8, error: 0x4 } as const;

/** The version this module speaks. */
export const AOE_VERSION = 1;

/** Shelf and slot that address every target. */
export const ALL_SHELVES = 0xffff;
export const ALL_SLOTS = 0xff;

/** The header's error byte, meaningful in a response with the error flag. */
export const AoeError = {
  unrecognisedCommand: 1,
  badArgument: 2,
  deviceUnavailable: 3,
  configStringPresent: 4,
  unsupportedVersion: 5,
  targetReserved: 6,
} as const;

const AOE_ERROR_NAMES: Readonly<Record<number, string>> = {
  1: 'unrecognised command',
  2: 'bad argument',
  3: 'device unavailable',
  4: 'config string present',
  5: 'unsupported version',
  6: 'target is reserved',
};

/** "6 (target is reserved)" */
export function describeAoeError(error: number): string {
  return `${error} (${AOE_ERROR_NAMES[error] ?? 'not in the specification'})`;
}

/** Bits of the ATA section's flag byte. */
export const AtaFlag = { lba48: 0x40, device: 0x10, async: 0x02, write: 0x01 } as const;

export const AtaCommand = {
  readSectors: 0x20,
  readSectorsExt: 0x24,
  writeSectors: 0x30,
  writeSectorsExt: 0x34,
  verify: 0x40,
  verifyExt: 0x42,
  smart: 0xb0,
  checkPowerMode: 0xe5,
  flushCache: 0xe7,
  flushCacheExt: 0xea,
  identifyDevice: 0xec,
} as const;

export const AtaStatus = { busy: 0x80, ready: 0x40, fault: 0x20, dataRequest: 0x08, error: 0x01 } as const;

export const AtaError = {
  crc: 0x80,
  uncorrectable: 0x40,
  idNotFound: 0x10,
  aborted: 0x04,
} as const;

const STATUS_NAMES: readonly (readonly [number, string])[] = [
  [0x80, 'BSY'],
  [0x40, 'DRDY'],
  [0x20, 'DF'],
  [0x08, 'DRQ'],
  [0x01, 'ERR'],
];

const ERROR_NAMES: readonly (readonly [number, string])[] = [
  [0x80, 'ICRC'],
  [0x40, 'UNC'],
  [0x10, 'IDNF'],
  [0x04, 'ABRT'],
];

/** "status 0x41 (DRDY ERR), error 0x10 (IDNF)" */
export function describeAtaStatus(status: number, error: number): string {
  return `status ${bits(status, STATUS_NAMES)}, error ${bits(error, ERROR_NAMES)}`;
}

function bits(value: number, names: readonly (readonly [number, string])[]): string {
  const set = names.filter(([bit]) => value & bit).map(([, name]) => name);
  const hex = `0x${value.toString(16).padStart(2, '0')}`;
  return set.length > 0 ? `${hex} (${set.join(' ')})` : hex;
}

/** Subcommands of query config. */
export const ConfigCommand = { read: 0, test: 1, testPrefix: 2, set: 3, forceSet: 4 } as const;

/** Most bytes a config string may have. */
export const MAX_CONFIG_STRING = 1024;

/** Subcommands, errors and directives of the MAC mask list. */
export const MaskCommand = { read: 0, edit: 1 } as const;
export const MaskError = { none: 0, unspecified: 1, badDirective: 2, listFull: 3 } as const;
export const MaskDirectiveCommand = { none: 0, add: 1, delete: 2 } as const;

/** Subcommands of reserve/release. */
export const ReserveCommand = { read: 0, set: 1, forceSet: 2 } as const;

/** Bytes of a sector: AoE counts in these whatever the medium's own sectors are. */
export const SECTOR = 512;

/** Largest addresses of a target; 0xFFFF and 0xFF address all (AoE revision 11, section 2). */
export const LAST_SHELF = 0xfffe;
export const LAST_SLOT = 0xfe;

/** Sectors that 28-bit commands can address. */
export const LBA28_SECTORS = 0x0fff_ffff;
