/** What `discover` prints for people. */

import { bounded } from '../../base/escape.js';
import { formatSize } from '../../base/units.js';
import { type Discovered, isCutShort } from '../../wire/initiator/discover.js';
import { MOST_STATIONS } from '../../wire/initiator/who-answers.js';
import { line } from './colors.js';
import { table } from './table.js';

const HEAD = [
  'target',
  'MAC',
  'size',
  'model',
  'serial',
  'buffers',
  'sectors/frame',
  'of these pass',
  'firmware',
  'config string',
];

/** Of a person's patience. */
const MOST_ROWS = 200;

/** A line a station; `!` marks those that the lines below tell of. */
export function discoveredTable(found: readonly Discovered[]): string {
  const left = found.length - MOST_ROWS;
  const more = left > 0 ? [`… and ${left} more, which --json has`] : [];
  return [table(HEAD, found.slice(0, MOST_ROWS).map(row)), ...more, ...bounded(remarks(found))].join('\n');
}

function row(found: Discovered): string[] {
  return [
    `e${found.shelf}.${found.slot}${isMarked(found) ? ' !' : ''}`,
    found.mac,
    found.sectors === null ? `? (${found.fault})` : formatSize(found.sectors * 512),
    found.model ?? '?',
    found.serial ?? '?',
    String(found.bufferCount ?? '?'),
    String(found.maxSectors ?? '?'),
    String(found.sectorsThatPass ?? '?'),
    found.firmware === null ? '?' : `0x${found.firmware.toString(16)}`,
    found.configString ?? '?',
  ];
}

function isMarked(found: Discovered): boolean {
  return found.usableByLinux === false || losesFrames(found) || isContested(found);
}

function isContested({ sameAddress }: Discovered): boolean {
  return sameAddress.some(({ disk }) => disk !== 'same');
}

function losesFrames({ sectorsPerFrame, sectorsThatPass }: Discovered): boolean {
  return sectorsPerFrame !== null && sectorsThatPass !== null && sectorsThatPass < sectorsPerFrame;
}

/** What is to be known of the stations, a line each. */
export function remarks(found: readonly Discovered[]): string[] {
  const lines: string[] = [];
  const told = new Set<string>();
  for (const station of found) {
    const { shelf, slot, mac, bufferCount, sectorsPerFrame, sectorsThatPass, sameAddress } = station;
    const name = `e${shelf}.${slot}`;
    if (sameAddress.length > 0 && !told.has(name)) {
      told.add(name);
      lines.push(
        severalStations(
          name,
          found.filter((other) => other.shelf === shelf && other.slot === slot),
        ),
      );
    }
    if (station.usableByLinux === false) {
      lines.push(
        `! ${name} at ${mac} offers ${bufferCount} ${bufferCount === 1 ? 'buffer' : 'buffers'}: Linux's driver never sends to it, and makes no device. Give it 2 or more.`,
      );
    }
    if (losesFrames(station)) {
      lines.push(
        `! ${name} at ${mac}: frames of ${sectorsPerFrame} sectors get lost on the way, of ${sectorsThatPass} pass. Something between carries less than both ends: raise its MTU, or lower theirs to ${22 + 512 * (sectorsThatPass ?? 0)}.`,
      );
    }
  }
  if (isCutShort(found)) {
    lines.push(`! Only the first ${MOST_STATIONS} answers are listed: narrow the question by --shelf.`);
  }
  return lines;
}

function severalStations(name: string, stations: readonly Discovered[]): string {
  const macs = stations.map(({ mac }) => mac).join(', ');
  if (!stations.some(isContested)) return line`  ${name}: ${macs} are paths to one disk.`;
  const another = stations.some(({ sameAddress }) => sameAddress.some(({ disk }) => disk === 'another'));
  const what = another ? 'with different disks' : 'and not each tells its disk';
  return line`! ${name}: ${macs} answer for it, ${what}. End the one that is not meant, or give it another address: initiators take either.`;
}
