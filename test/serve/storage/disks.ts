/** Disks of a machine that is not here, as the script of survey.ts tells them. */

import type { StorageSnapshot } from '../../../src/serve/storage/snapshot.js';
import { parseSurvey } from '../../../src/serve/storage/survey-text.js';

/** By kernel name: number, first sector (of a partition), sectors, and the devices that it lies on. */
const DISKS: Readonly<Record<string, { number: string; start?: number; sectors: number; on?: string[] }>> = {
  sda: { number: '8:0', sectors: 1 << 21 },
  sda1: { number: '8:1', start: 2048, sectors: 1 << 20 },
  sda2: { number: '8:2', start: 2048 + (1 << 20), sectors: 1 << 19 },
  sdb: { number: '8:16', sectors: 1 << 21 },
  sdc: { number: '8:32', sectors: 1 << 21 },
  'dm-0': { number: '252:0', sectors: 1 << 18, on: ['sda2'] },
  'dm-1': { number: '252:1', sectors: 1 << 17, on: ['sda2'] },
  md0: { number: '9:0', sectors: 1 << 21, on: ['sdb', 'sdc'] },
};

/** What stat(1) tells of a disk's node. */
export function nodeOf(disk: string): string {
  const [major = 0, minor = 0] = (DISKS[disk]?.number ?? '').split(':').map(Number);
  return `61b0 5 ${major * 256 + minor} 0 0 0 0 ${major.toString(16)} ${minor.toString(16)}`;
}

/** @param more sections besides, such as swap areas */
export function surveyOf(disks: readonly string[], ...more: readonly string[]): StorageSnapshot {
  const names = disks.flatMap((disk, index) => [
    `@name ${index}`,
    `node ${nodeOf(disk)}`,
    'readable',
    'writable',
  ]);
  const blocks = Object.entries(DISKS).flatMap(([name, { number, start, sectors, on = [] }]) => [
    `lrwxrwxrwx 1 root root 0 Nov 28 14:06 ${name} -> ../../devices/block/${start === undefined ? '' : 'sda/'}${name}`,
    `${name}/dev:${number}`,
    `${name}/size:${sectors}`,
    `${name}/ro:0`,
    ...(start === undefined ? [] : [`${name}/start:${start}`]),
    ...on.map((below) => `${name}/slaves/${below}`),
  ]);
  const text = [...names, '@blocks', ...blocks, ...more, '@end'].join('\n');
  return parseSurvey(
    text,
    disks.map((disk) => `/dev/${disk}`),
  );
}
