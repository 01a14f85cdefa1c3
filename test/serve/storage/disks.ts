/** Disks of a machine that is not here, as the script of survey.ts tells them. */

import type { StorageSnapshot } from '../../../src/serve/storage/snapshot.js';
import { parseSurvey } from '../../../src/serve/storage/survey-text.js';

interface Disk {
  number: string;
  /** Of a partition: its first sector. */
  start?: number;
  sectors: number;
  wwid?: string;
  /** Bytes. Default: 512. */
  sectorSize?: number;
  /** Devices that it lies on. */
  on?: string[];
}

/** By kernel name. */
const DISKS: Readonly<Record<string, Disk>> = {
  sda: { number: '8:0', sectors: 1 << 21, wwid: 'naa.1' },
  sda1: { number: '8:1', start: 2048, sectors: 1 << 20 },
  sda2: { number: '8:2', start: 2048 + (1 << 20), sectors: 1 << 19 },
  sdb: { number: '8:16', sectors: 1 << 21 },
  sdc: { number: '8:32', sectors: 1 << 21 },
  sdd: { number: '8:48', sectors: 1 << 21 },
  sdd1: { number: '8:49', start: 2048, sectors: 1 << 20 },
  sdd2: { number: '8:50', start: 2048 + (1 << 20), sectors: 1 << 19 },
  sde: { number: '8:64', sectors: 1 << 21, sectorSize: 4096 },
  sde1: { number: '8:65', start: 2048, sectors: 1 << 20 },
  'dm-0': { number: '252:0', sectors: 1 << 18, on: ['sdd2'] },
  'dm-1': { number: '252:1', sectors: 1 << 17, on: ['sdd2'] },
  md0: { number: '9:0', sectors: 1 << 21, on: ['sdb', 'sdc'] },
};

/** The names that udev gives them. */
const LINKS: Readonly<Record<string, string>> = { 'disk/by-id/wwn-1': 'sda' };

/** What stat(1) tells of a disk's node. */
export function nodeOf(disk: string): string {
  const [major = 0, minor = 0] = (DISKS[disk]?.number ?? '').split(':').map(Number);
  return `61b0 5 ${major * 256 + minor} 0 0 0 0 ${major.toString(16)} ${minor.toString(16)}`;
}

/**
 * @param disks names below /dev that are asked about
 * @param more sections besides, such as swap areas
 */
export function surveyOf(disks: readonly string[], ...more: readonly string[]): StorageSnapshot {
  const names = disks.flatMap((disk, index) => {
    const kernel = LINKS[disk];
    const hops = [disk, ...(kernel === undefined ? [] : [kernel])].map((hop) => `hop /dev/${hop}`);
    return [`@name ${index}`, `node ${nodeOf(kernel ?? disk)}`, ...hops, 'readable', 'writable'];
  });
  const blocks = Object.entries(DISKS).flatMap(
    ([name, { number, start, sectors, wwid, sectorSize, on = [] }]) => [
      `lrwxrwxrwx 1 root root 0 Nov 28 14:06 ${name} -> ../../devices/block/${start === undefined ? '' : `${name.slice(0, 3)}/`}${name}`,
      `${name}/dev:${number}`,
      `${name}/size:${sectors}`,
      `${name}/ro:0`,
      ...(wwid === undefined ? [] : [`${name}/wwid:${wwid}`]),
      ...(sectorSize === undefined ? [] : [`${name}/queue/logical_block_size:${sectorSize}`]),
      ...(start === undefined ? [] : [`${name}/start:${start}`]),
      ...on.map((below) => `${name}/slaves/${below}`),
    ],
  );
  const links = Object.entries(LINKS).map(
    ([name, kernel]) => `lrwxrwxrwx 1 root root 9 Nov 28 14:06 /dev/${name} -> /dev/${kernel}`,
  );
  const text = [...names, '@blocks', ...blocks, '@links', ...links, ...more, '@end'].join('\n');
  return parseSurvey(
    text,
    disks.map((disk) => `/dev/${disk}`),
  );
}
