import { type OpenOptions, openTarget, type Target } from '../../../src/wire/initiator/index.js';
import { type Link, MemorySegment } from '../../../src/wire/link/index.js';
import { type FakeOptions, FakeTarget } from './fake-target.js';

export interface Lab {
  link: Link;
  fake: FakeTarget;
  target: Target;
}

export const INITIATOR_MAC = 0x02_00_00_00_00_01;
/** Milliseconds; in memory all have answered after some turns of the event loop. */
const SETTLE = 20;
export const TARGET_MAC = 0x02_00_00_00_00_02;

/** An initiator with a session to a fake target, joined in memory. */
export async function makeLab(
  fakeOptions: FakeOptions = {},
  options: OpenOptions = {},
  mtu = 1500,
): Promise<Lab> {
  const segment = new MemorySegment(mtu);
  const link = segment.join(INITIATOR_MAC);
  const fake = new FakeTarget(segment.join(TARGET_MAC), fakeOptions);
  return {
    link,
    fake,
    target: await openTarget(link, { shelf: 0, slot: 1 }, { settle: SETTLE, ...options }),
  };
}

/** Bytes that tell where they stand. */
export function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let offset = 0; offset + 4 <= length; offset += 4)
    bytes.writeUInt32LE(Math.imul(offset, 2654435761) >>> 0, offset);
  return bytes;
}
