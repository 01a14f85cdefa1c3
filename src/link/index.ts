/** Ethernet frames in and out. */

export type { FrameListener, Link } from './link.js';
export { MemorySegment } from './memory.js';
export { openPacketLink, type PacketLinkOptions } from './packet.js';
