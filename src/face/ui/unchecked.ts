import type { ExportStatus } from '../../serve/exports/status-report.js';
import { line } from './colors.js';

/** Why the wire was not asked, a line for each reason: most exports of a host share one. */
export function describeUnchecked(exports: readonly Pick<ExportStatus, 'id' | 'unchecked'>[]): string[] {
  const reasons = new Map<string, string[]>();
  for (const { id, unchecked } of exports) {
    if (unchecked !== null) reasons.set(unchecked, [...(reasons.get(unchecked) ?? []), id]);
  }
  return [...reasons].map(([reason, ids]) => line`unchecked: ${ids.join(', ')}: ${reason}`);
}
