import { counted } from '../../base/units.js';
import type { Ata } from './ata.js';
import {
  ALL_SHELVES,
  ALL_SLOTS,
  AOE_VERSION,
  AtaStatus,
  describeAoeError,
  describeAtaStatus,
  HeaderFlag,
  SECTOR,
} from './constants.js';
import { BROADCAST, formatMac, type Mac } from './ethernet.js';
import { describeFault, type Fault } from './fault.js';
import { type Frame, parseFrame } from './frame.js';
import { type AoeHeader, isResponse } from './header.js';
import { hex, macs, quote, raw, requestInWords } from './request-words.js';

/** A frame in words. */
export interface Dissection {
  /** "02:00:00:00:00:01"; "broadcast" as a destination; "" if the frame ends before. */
  source: string;
  destination: string;
  /** "e0.1", "e0.*", "e*.*"; "" if the frame ends before. */
  target: string;
  kind: 'request' | 'response' | 'announcement' | 'fault';
  /** The tag in eight hex digits; "" if the frame ends before. */
  tag: string;
  /** What it asks or answers: "read 8 sectors at LBA 1234", "AoE error 2 (bad argument)". */
  text: string;
  /** Whether it can't be read, or reports an error. */
  isTrouble: boolean;
}

/**
 * One line about a frame, for logs and reports.
 *
 *     02:00:00:00:00:01 > 02:00:00:00:00:02  e0.1  request 0000002a  read 8 sectors at LBA 1234
 *
 * @param frame bytes from the destination MAC on, or what parseFrame made of them
 * @param request words of the request that it answers, if known: a response does not tell its ATA command
 */
export function dissect(frame: Uint8Array | Frame | Fault, request?: string): string {
  const { source, destination, target, kind, tag, text } = dissection(frame, request);
  const ends = source === '' ? '' : `${source} > ${destination}  `;
  return `${ends}${target === '' ? '' : `${target}  `}${kind}${tag === '' ? '' : ` ${tag}`}  ${text}`;
}

/** The parts of that line. Never throws; parameters as of `dissect`. */
export function dissection(frame: Uint8Array | Frame | Fault, request?: string): Dissection {
  const parsed = frame instanceof Uint8Array ? parseFrame(frame) : frame;
  const { ethernet, header } = parsed;
  const known = {
    source: ethernet ? formatMac(ethernet.source) : '',
    destination: ethernet ? describeDestination(ethernet.destination) : '',
    target: header ? describeTarget(header) : '',
    tag: header ? header.tag.toString(16).padStart(8, '0') : '',
  };
  if (parsed.kind === 'fault') {
    return { ...known, kind: 'fault', text: `can't be read: ${describeFault(parsed)}`, isTrouble: true };
  }
  const oddities = describeOddities(parsed.header);
  if (!isResponse(parsed.header)) {
    const isTrouble = parsed.kind === 'unknown';
    return { ...known, kind: 'request', text: requestInWords(parsed) + oddities, isTrouble };
  }
  const isAnnouncement = parsed.header.tag === 0 && parsed.ethernet.destination === BROADCAST;
  const answer = answerInWords(parsed);
  return {
    ...known,
    kind: isAnnouncement ? 'announcement' : 'response',
    text: `${request === undefined ? '' : `${request}: `}${answer}${oddities}`,
    isTrouble: isRefusal(parsed),
  };
}

function answerInWords(frame: Frame): string {
  const { flags, error, command } = frame.header;
  if (flags & HeaderFlag.error) return `AoE error ${describeAoeError(error)}`;
  switch (frame.kind) {
    case 'ata':
      return ataAnswer(frame.ata, frame.data.length);
    case 'config': {
      const { bufferCount, sectorCount, firmware, version, string } = frame.config;
      const facts = `${counted(bufferCount, 'buffer')}, ${counted(sectorCount, 'sector')} a frame`;
      return `config ${quote(string)}, ${facts}, firmware 0x${hex(firmware, 4)}, AoE version ${version}`;
    }
    case 'mask':
      if (frame.mask.merror !== 0) return `mask list error ${frame.mask.merror}`;
      return `mask list of ${macs(frame.mask.directives.map(({ mac }) => mac)) || 'none'}`;
    case 'reserve':
      return frame.reserve.macs.length === 0 ? 'not reserved' : `reserved for ${macs(frame.reserve.macs)}`;
    default:
      return raw(frame.kind, command, frame.body.length);
  }
}

function isRefusal(frame: Frame): boolean {
  if (frame.header.flags & HeaderFlag.error) return true;
  if (frame.kind === 'mask') return frame.mask.merror !== 0;
  return frame.kind === 'ata' && (frame.ata.cmdStatus & (AtaStatus.error | AtaStatus.fault)) !== 0;
}

function ataAnswer({ cmdStatus, errFeature }: Ata, bytes: number): string {
  const data = bytes === 0 ? '' : `${counted(bytes / SECTOR, 'sector')} of data`;
  const isPlain = cmdStatus === AtaStatus.ready && errFeature === 0;
  if (isPlain) return data || 'done';
  return `${describeAtaStatus(cmdStatus, errFeature)}${data && `, ${data}`}`;
}

function describeDestination(mac: Mac): string {
  return mac === BROADCAST ? 'broadcast' : formatMac(mac);
}

function describeTarget({ major, minor }: AoeHeader): string {
  return `e${major === ALL_SHELVES ? '*' : major}.${minor === ALL_SLOTS ? '*' : minor}`;
}

/** What no frame of this version should have. */
function describeOddities({ version, flags, error }: AoeHeader): string {
  const odd = [
    ...(version === AOE_VERSION ? [] : [`version ${version}`]),
    ...((flags & 0x3) === 0 ? [] : [`header flags 0x${hex(flags, 1)}`]),
    ...(error !== 0 && (flags & HeaderFlag.error) === 0 ? [`error byte ${error} without its flag`] : []),
  ];
  return odd.length === 0 ? '' : ` (${odd.join(', ')})`;
}
