import type { ExportSpec } from '../../serve/exports/spec.js';
import type { Lab, LabExport } from './lab.js';

/** What a lab's export asks of its host. */
export function specOf(lab: Pick<Lab, 'name'>, one: LabExport): ExportSpec {
  const { address, iface, netns, file, size, loop, allow, restart, persist, options } = one;
  return {
    ...address,
    lab: lab.name,
    iface,
    path: file,
    options,
    loop: loop ?? false,
    ...(allow === undefined ? {} : { allow }),
    ...(netns === undefined ? {} : { netns }),
    ...(size === undefined ? {} : { size }),
    ...(restart === undefined ? {} : { restart }),
    ...(persist === undefined ? {} : { persist }),
  };
}
