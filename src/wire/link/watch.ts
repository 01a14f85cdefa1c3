import { LabError } from '../../base/errors.js';
import { Conversation, ETHERNET_HEADER, ETHERTYPE_AOE, type Remark } from '../aoe/index.js';
import type { Capture } from './capture.js';
import type { Link } from './link.js';
import type { CaptureWay } from './pcapng.js';

/** An AoE frame that passed an interface. */
export interface WatchedFrame extends Remark {
  /** Since 1970, in milliseconds, by this process's clock. */
  time: number;
  /** As seen from the interface; undefined where its address tells nothing (loopback). */
  way: CaptureWay;
  /** Bytes of the frame. */
  length: number;
}

export interface WatchOptions {
  capture?: Capture | undefined;
  /** Frames after which it ends. */
  most?: number | undefined;
  /** Time after which it ends. */
  milliseconds?: number | undefined;
  /** Ends it. */
  signal?: AbortSignal | undefined;
  onFrame(frame: WatchedFrame): void;
}

export interface WatchSummary {
  frames: number;
  requests: number;
  /** Announcements included. */
  responses: number;
  /** Of all: those that can't be read or report an error. */
  troubles: number;
  seconds: number;
}

/**
 * Watches the AoE frames that pass a link until it is told to end, or enough have come. The link should hear
 * everything; it is left open, and the capture is closed.
 * @throws LabError if the capture can't be written any more
 */
export async function watch(link: Link, options: WatchOptions): Promise<WatchSummary> {
  const { capture, most, milliseconds, signal, onFrame } = options;
  const conversation = new Conversation();
  const iface = capture?.addInterface(link);
  const summary = { frames: 0, requests: 0, responses: 0, troubles: 0 };
  const started = performance.now();
  let timer: NodeJS.Timeout | undefined;
  await new Promise<void>((resolve) => {
    const end = (): void => resolve();
    if (signal?.aborted) end();
    signal?.addEventListener('abort', end);
    if (milliseconds !== undefined) timer = setTimeout(end, milliseconds);
    link.onFrame = (frame) => {
      if (!isAoe(frame) || (most !== undefined && summary.frames >= most)) return;
      const now = performance.now();
      const way = wayOf(link, frame);
      if (iface !== undefined) capture?.record(iface, frame, way);
      const remark = conversation.hear(frame, now);
      summary.frames++;
      if (remark.kind === 'request') summary.requests++;
      else if (remark.kind !== 'fault') summary.responses++;
      if (remark.isTrouble) summary.troubles++;
      onFrame({ ...remark, time: performance.timeOrigin + now, way, length: frame.length });
      if (summary.frames === most || capture?.trouble !== undefined) end();
    };
  });
  clearTimeout(timer);
  link.onFrame = undefined;
  capture?.close();
  if (capture?.trouble !== undefined) {
    throw new LabError({
      tried: `capturing on ${link.name}`,
      happened: `${capture.trouble}; ${capture.count} frames were seen until then`,
      next: 'make room, or write to another file',
    });
  }
  return { ...summary, seconds: (performance.now() - started) / 1000 };
}

function isAoe(frame: Buffer): boolean {
  return frame.length >= ETHERNET_HEADER && frame.readUInt16BE(12) === ETHERTYPE_AOE;
}

function wayOf(link: Link, frame: Buffer): CaptureWay {
  if (link.mac === 0) return undefined;
  return frame.readUIntBE(6, 6) === link.mac ? 'out' : 'in';
}
