import { FileBacking } from '../file-backing.js';
import type { Served } from '../served.js';
import { SQE_ASYNC } from './uring.js';
import { sourceOf } from './words.js';

/** Requests at a medium each of which keeps a thread of the kernel's as long as it has no answer. */
const MOST_REMOTE = 16;

/** What the fast path needs of a target, at hand. */
export interface HotExport {
  served: Served;
  /** Descriptor for what may be done at once, by the page cache. */
  fd: number;
  /** Descriptor for what waits for the medium; the same unless there is direct I/O. */
  deepFd: number;
  /** Added to operations of io_uring: ASYNC where the disk may hold up whoever begins one. */
  deepFlags: number;
  /** First byte of the export in the file. */
  start: number;
  readOnly: boolean;
  /** Whether reads may be served by the page cache. */
  cached: boolean;
  /** Whether writes end in the page cache, and so are done at once. */
  lazy: boolean;
  /** Until then (see coarseClock) they are not done at once all the same: one took long. */
  waryUntil: number;
  /** Slots of requests that wait for the medium or for their turn. */
  held: number;
  /** Requests at the medium, and how many there may be. */
  underWay: number;
  limit: number;
  /** Slots of requests beyond that. */
  waiting: number[];
}

/** Undefined where its backing store is none of ours. */
export function hotExport(served: Served): HotExport | undefined {
  const { backing, target } = served;
  if (!(backing instanceof FileBacking)) return undefined;
  const isPrompt = backing.direct === undefined && !backing.isRemote;
  const limit = backing.queueLength ?? Math.max(64, target.bufferCount);
  return {
    served,
    fd: backing.handle.fd,
    deepFd: (backing.direct ?? backing.handle).fd,
    start: backing.offset * 512,
    readOnly: target.readOnly,
    deepFlags: backing.isRemote ? SQE_ASYNC << 8 : 0,
    cached: isPrompt,
    lazy: isPrompt && !backing.sync,
    waryUntil: 0,
    held: 0,
    underWay: 0,
    limit: backing.isRemote ? Math.min(limit, MOST_REMOTE) : limit,
    waiting: [],
  };
}

/** Shelf, slot and command 0 as the word of a frame at byte 16 holds them. */
export function addressWord({ target }: Served): number {
  const { shelf, slot } = target.address;
  return (shelf >> 8) | ((shelf & 0xff) << 8) | (slot << 16);
}

/** Whether a source may speak to a target and use it. @param middle the words of a frame that hold its source */
export function admits({ served }: HotExport, middle: number, source: number): boolean {
  const mac = sourceOf(middle, source);
  return served.target.hears(mac) && served.target.mayUse(mac);
}
