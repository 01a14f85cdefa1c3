import type { Diagnosis } from '../verify/doctor.js';
import { table } from './table.js';

export function describeDiagnosis({ checks, packages }: Diagnosis): string {
  const rows = checks.map(({ name, fine, detail }) => [fine ? '✔' : '✖', name, detail]);
  const lines = [table(['', 'check', 'finding'], rows)];
  if (packages.length > 0) lines.push(`apt-get install --no-install-recommends ${packages.join(' ')}`);
  return lines.join('\n');
}
