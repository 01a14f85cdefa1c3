import type { Guest } from '../vm/index.js';
import type { Stand, Testbed } from './testbed.js';

export interface TargetGuestOptions {
  /** As guestKernel takes it. */
  kernel: string;
  /** Files that targets find as `/dev/vda`, `/dev/vdb`, … */
  disks: readonly string[];
  /** Whether others write these files at the same time. */
  shared?: boolean | undefined;
  offline?: boolean | undefined;
  /** Address of its interface. Default: one is made up. */
  mac?: string | undefined;
}

/** A guest in which targets run, a port of the hub. */
export interface TargetGuest extends Stand {
  guest: Guest;
  /** As if its power were cut. */
  end(): Promise<void>;
}

/** Boots a guest in which targets run, on disks of their own. @throws as bootGuest */
export async function targetGuest(
  testbed: Testbed,
  { disks, shared, ...options }: TargetGuestOptions,
): Promise<TargetGuest> {
  const { guest, port, end } = await testbed.guest('target', {
    ...options,
    exports: true,
    // What a module forgets to lock shows only where two processors run it.
    cpus: 2,
    disks: disks.map((path) => ({ path, shared })),
  });
  return { host: guest.host, iface: 'eth0', netns: undefined, port, guest, end };
}
