import { FaultsError } from '../../base/errors.js';
import type { BenchReport } from './bench-report.js';
import { isSkipped } from './results.js';

/**
 * Speed is never a fault; answers with wrong data are, and so is a target that answers nothing.
 * @throws FaultsError that names each
 */
export function judge(report: BenchReport): void {
  const faults = report.points.flatMap(({ name, results }) =>
    results.flatMap((result) => {
      if (isSkipped(result)) return [];
      const { contender, wrong, answered, example } = result;
      if (wrong > 0) return [`${name}: ${contender}: ${wrong} wrong answers; the first: ${example}`];
      return answered === 0 ? [`${name}: ${contender} answered nothing`] : [];
    }),
  );
  if (faults.length === 0) return;
  throw new FaultsError({
    tried: 'checking the answers while measuring',
    happened: faults,
    next: 'run it again with --json: `example` tells what was seen; `aoe-lab conform` looks closer',
  });
}
