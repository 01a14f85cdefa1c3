import type { ExportWish } from '../target/wish.js';
import type { Lab, LabExport } from './lab.js';

/** What a lab's export asks of its host. */
export function wishOf(lab: Pick<Lab, 'name'>, one: LabExport): ExportWish {
  const { address, iface, netns, file, size, loop, force, restart, options } = one;
  return {
    ...address,
    lab: lab.name,
    iface,
    path: file,
    options,
    loop: loop ?? false,
    force: force ?? false,
    ...(netns === undefined ? {} : { netns }),
    ...(size === undefined ? {} : { size }),
    ...(restart === undefined ? {} : { restart }),
  };
}
