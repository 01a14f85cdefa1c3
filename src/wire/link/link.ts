import type { Mac } from '../aoe/ethernet.js';

/**
 * Receives a frame, from the destination MAC on and without the check sequence. The bytes belong to the link and
 * are overwritten after the call: copy what has to last. A link may hand over frames for other addresses.
 */
export type FrameListener = (frame: Buffer) => void;

/** Ethernet frames in and out: a packet socket, a QEMU stream, or memory. Targets and initiators know no more. */
export interface Link {
  /** For messages: "eth0", "eth0 in namespace lab". */
  readonly name: string;
  /** The address to send from. */
  readonly mac: Mac;
  /** Bytes that a frame may carry behind the 14 of its Ethernet header; lowered when a frame is refused as too long. */
  readonly mtu: number;
  /** The one who hears; frames that arrive while there is none are dropped. */
  onFrame: FrameListener | undefined;
  /** Why the last frame was not taken, if `send` returned false. */
  readonly trouble: string | undefined;

  /**
   * Sends a frame as it is. The bytes may be reused as soon as this returns.
   * @returns false if the frame was lost here, as it could have been anywhere on the way: queue full, interface down
   * @throws LabError if no later frame can fare better: interface gone, link closed, frame too long
   */
  send(frame: Uint8Array): boolean;
  /** Ends reception and gives everything back; may be called twice. */
  close(): Promise<void>;
}
