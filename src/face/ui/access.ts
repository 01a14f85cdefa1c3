/** Who may use an export, in words. */
import type { ExportAccess } from '../../serve/exports/access.js';
import type { AccessReport } from '../../serve/exports/change-access.js';
import { CLEARS, clearCommand, closedBy, holders } from '../../serve/exports/closed.js';
import type { ExportStatus } from '../../serve/exports/status-report.js';
import { line } from './colors.js';

/** What initiators have set on an export, and the way out; nothing where nothing is set. */
export function describeLimits({ id, access }: Pick<ExportStatus, 'id' | 'access'>): string[] {
  if (access === null) return [];
  const { configString } = access;
  const closed = closedBy(access);
  const set = [...closed, ...(configString ? [`config string ${JSON.stringify(configString)}`] : [])];
  if (set.length === 0) return [];
  const way = closed.length > 0 ? `; ${clearCommand(id)} ${CLEARS}` : '';
  return [line`${id}: set over the wire: ${set.join(', ')}${way}`];
}

export function describeAccess({ exports }: AccessReport): string {
  if (exports.length === 0) return 'nothing is exported';
  return exports
    .flatMap(({ id, implementation, release, macs, locked, access, unknown }) => [
      line`${id} (${implementation} ${release}): ${locked ? 'locked: nothing but data can be changed over the wire' : 'not locked'}`,
      line`  listed initiators: ${macs.join(', ') || 'none, everybody may use it'}`,
      ...(access === null ? [] : wireLines(access)),
      ...(unknown === null ? [] : [line`  not known: ${unknown}`]),
    ])
    .join('\n');
}

function wireLines({ masks, reservation, reserved, configString }: ExportAccess): string[] {
  return [
    ...(masks === null ? [] : [line`  MAC mask list: ${masks.join(', ') || 'none'}`]),
    ...(reservation === null && !reserved
      ? []
      : [line`  reservation: ${reserved ? holders(reservation) : 'none'}`]),
    ...(configString === null
      ? []
      : [line`  config string: ${configString === '' ? 'none' : JSON.stringify(configString)}`]),
  ];
}
