/** QEMU guests: kernels and programs from Debian packages, reached by SSH, on the lab's network over sockets. */

export { attachGuest, bootGuest, type Guest, type GuestOptions, prepareGuest } from './guest.js';
export { guestKernel } from './kernel.js';
export {
  collectDeadGuests,
  findGuest,
  type GuestRecord,
  listGuests,
  pidOf,
  removeGuest,
} from './registry.js';
