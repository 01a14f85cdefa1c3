/** Ethernet frames in and out. */

export { Capture, tap } from './capture.js';
export { type Clock, ManualClock, systemClock } from './clock.js';
export type { FaultPlan } from './fault-plan.js';
export type { FaultCounts, FaultEvent } from './faults.js';
export { Hub, type HubOptions, type HubPort } from './hub.js';
export type { FrameListener, Link } from './link.js';
export { MemorySegment } from './memory.js';
export { openPacketLink, type PacketLinkOptions } from './packet.js';
export { StreamLink, type StreamOptions, type StreamPlace } from './stream.js';
export { connectStream, listenStream } from './stream-open.js';
