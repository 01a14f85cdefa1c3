import type { GuestRecord } from '../../prove/vm/index.js';
import { table } from './table.js';

export function describeGuests(guests: readonly { record: GuestRecord; runs: boolean }[]): string {
  return table(
    ['name', 'state', 'kernel', 'runs by', 'MiB', 'links', 'console'],
    guests.map(({ record, runs }) => [
      record.name,
      runs ? (record.stays ? 'up' : 'up for a command') : 'ended',
      record.release ?? record.kernel,
      record.accelerator,
      String(record.memory),
      record.links.length === 0
        ? '-'
        : record.links.map(({ name, socket, mtu }) => `${name} ${mtu} ${socket}`),
      `${record.folder}/serial.log`,
    ]),
  );
}
