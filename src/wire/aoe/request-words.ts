import { counted } from '../../base/units.js';
import type { Ata } from './ata.js';
import type { Config } from './config.js';
import {
  AtaCommand,
  AtaFlag,
  ConfigCommand,
  MaskCommand,
  MaskDirectiveCommand,
  ReserveCommand,
} from './constants.js';
import { formatMac, type Mac } from './ethernet.js';
import type { Frame } from './frame.js';
import type { Mask } from './mask.js';
import type { Reserve } from './reserve.js';

/** Characters of a string shown at most. */
const SHOWN = 48;

/** What a request asks: "read 8 sectors at LBA 1234", `config test "lab"`. */
export function requestInWords(frame: Frame): string {
  switch (frame.kind) {
    case 'ata':
      return ataRequest(frame.ata);
    case 'config':
      return configRequest(frame.config);
    case 'mask':
      return maskRequest(frame.mask);
    case 'reserve':
      return reserveRequest(frame.reserve);
    default:
      return raw(frame.kind, frame.header.command, frame.body.length);
  }
}

/** Words of an ATA command; "N" stands for its sectors, "@" for its address. */
const ATA_WORDS: Readonly<Record<number, string>> = {
  [AtaCommand.readSectors]: 'read N at LBA @, 28 bits',
  [AtaCommand.readSectorsExt]: 'read N at LBA @',
  [AtaCommand.writeSectors]: 'write N at LBA @, 28 bits',
  [AtaCommand.writeSectorsExt]: 'write N at LBA @',
  [AtaCommand.verify]: 'verify N at LBA @, 28 bits',
  [AtaCommand.verifyExt]: 'verify N at LBA @',
  [AtaCommand.checkPowerMode]: 'check power mode',
  [AtaCommand.flushCache]: 'flush',
  [AtaCommand.flushCacheExt]: 'flush ext',
  [AtaCommand.identifyDevice]: 'identify',
};

const WIDE: readonly number[] = [AtaCommand.readSectorsExt, AtaCommand.writeSectorsExt, AtaCommand.verifyExt];
const WRITES: readonly number[] = [AtaCommand.writeSectors, AtaCommand.writeSectorsExt];

function ataRequest({ flags, errFeature, count: sectors, cmdStatus, lba }: Ata): string {
  const words =
    cmdStatus === AtaCommand.smart
      ? `SMART, feature 0x${hex(errFeature, 2)}`
      : (ATA_WORDS[cmdStatus] ?? `ATA command 0x${hex(cmdStatus, 2)}, N at LBA @`);
  const text = words.replace('N', counted(sectors, 'sector')).replace('@', String(lba));
  const expected =
    (WIDE.includes(cmdStatus) ? AtaFlag.lba48 : 0) | (WRITES.includes(cmdStatus) ? AtaFlag.write : 0);
  // The device bit means nothing here; a wide flag at a command without an address neither.
  const ignored = AtaFlag.device | (/LBA/.test(words) ? 0 : AtaFlag.lba48);
  return (flags & ~ignored) === expected ? text : `${text} (flags 0x${hex(flags, 2)})`;
}

const CONFIG_WORDS: Readonly<Record<number, string>> = {
  [ConfigCommand.test]: 'config test',
  [ConfigCommand.testPrefix]: 'config test of prefix',
  [ConfigCommand.set]: 'config set to',
  [ConfigCommand.forceSet]: 'config forced to',
};

function configRequest({ ccmd, string }: Config): string {
  if (ccmd === ConfigCommand.read)
    return string.length === 0 ? 'config read' : `config read ${quote(string)}`;
  return `${CONFIG_WORDS[ccmd] ?? `config subcommand ${ccmd}`} ${quote(string)}`;
}

const DIRECTIVE_WORDS: Readonly<Record<number, string>> = {
  [MaskDirectiveCommand.none]: 'nothing for',
  [MaskDirectiveCommand.add]: 'add',
  [MaskDirectiveCommand.delete]: 'delete',
};

function maskRequest({ mcmd, directives }: Mask): string {
  const words =
    mcmd === MaskCommand.read
      ? 'mask list read'
      : mcmd === MaskCommand.edit
        ? 'mask list edit'
        : `mask subcommand ${mcmd}`;
  const steps = directives.map(
    ({ dcmd, mac }) => `${DIRECTIVE_WORDS[dcmd] ?? `directive ${dcmd}`} ${formatMac(mac)}`,
  );
  return steps.length === 0 ? words : `${words}: ${some(steps)}`;
}

function reserveRequest({ rcmd, macs: list }: Reserve): string {
  if (rcmd === ReserveCommand.read) return 'reservation read';
  const force =
    rcmd === ReserveCommand.forceSet
      ? ' by force'
      : rcmd === ReserveCommand.set
        ? ''
        : `, subcommand ${rcmd}`;
  return list.length === 0 ? `release${force}` : `reserve${force} for ${macs(list)}`;
}

/** A command that is not interpreted. */
export function raw(kind: 'vendor' | 'unknown', command: number, bytes: number): string {
  return `${kind} command 0x${hex(command, 2)}, ${counted(bytes, 'byte')}`;
}

/** At most four, and how many more. */
export function macs(list: readonly Mac[]): string {
  return some(list.map(formatMac));
}

function some(items: readonly string[]): string {
  const MOST = 4;
  if (items.length <= MOST) return items.join(', ');
  return `${items.slice(0, MOST).join(', ')} and ${items.length - MOST} more`;
}

/** Any bytes in double quotes, those that don't print as \xNN. */
export function quote(bytes: Buffer): string {
  const text = bytes
    .subarray(0, SHOWN)
    .toString('latin1')
    .replace(/["\\]/g, '\\$&')
    .replace(/[^ -~]/g, (character) => `\\x${hex(character.charCodeAt(0), 2)}`);
  return bytes.length > SHOWN ? `"${text}…" (${bytes.length} bytes)` : `"${text}"`;
}

export function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
