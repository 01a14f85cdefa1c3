import type { ProcessRights } from '../../serve/exports/process-rights.js';

/** "net_raw, dac_override; gains none; system calls filtered" */
export function describeRights({ capabilities, noNewPrivileges, seccomp }: ProcessRights): string {
  // Root's set has 41 and grows.
  const may =
    capabilities.length > 20 ? `all that root may (${capabilities.length} capabilities)` : undefined;
  return [
    may ?? (capabilities.join(', ') || 'nothing that only root may'),
    noNewPrivileges ? 'gains none' : 'may gain others',
    ...(seccomp ? ['system calls filtered'] : []),
  ].join('; ');
}
