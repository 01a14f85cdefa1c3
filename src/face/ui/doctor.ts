import { COMMANDS } from '../../hosts/prepare/managers.js';
import type { Diagnosis } from '../../manage/doctor/doctor.js';
import { line } from './colors.js';
import { table } from './table.js';

export function describeDiagnosis({ checks, manager, packages }: Diagnosis): string {
  const rows = checks.map(({ name, fine, detail }) => [fine ? '✔' : '✖', name, detail]);
  const lines = [table(['', 'check', 'finding'], rows)];
  if (manager !== undefined && packages.length > 0)
    lines.push(line`${COMMANDS[manager].byHand} ${packages.join(' ')}`);
  return lines.join('\n');
}
