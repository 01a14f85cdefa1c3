/**
 * Targets announce an export by an unsolicited answer (AoE revision 11, query config). It is seen as it leaves: proof that
 * the address is served, on any interface and without asking anybody.
 */
import { pollUntilTrue } from '../../base/poll.js';
import type { Host } from '../../hosts/host/host.js';
import { ETHERTYPE_AOE } from '../../wire/aoe/index.js';
import { openPacketLink } from '../../wire/link/packet.js';
import type { ExportEntry } from './entry.js';

export interface AnnouncementWatch {
  /** Whether the entry's address was announced (or answered somebody) since the watch began, waiting for it a while. */
  heard(entry: ExportEntry): Promise<boolean>;
  close(): Promise<void>;
}

const PATIENCE = 3000;
const POLL = 10;
/** Offsets in the frame. */
const SOURCE = 6;
const TYPE = 12;
const FLAGS = 14;
const MAJOR = 16;
const MINOR = 18;
const RESPONSE = 0x08;

/** Watches what leaves an interface of this machine; to be opened before the target is started. */
export async function watchAnnouncements(host: Host, iface: string): Promise<AnnouncementWatch> {
  const link = await openPacketLink({ iface, netns: host.netns, everything: true });
  const own = link.mac;
  const announced = new Set<string>();
  link.onFrame = (frame) => {
    if (
      frame.length < 24 ||
      frame.readUInt16BE(TYPE) !== ETHERTYPE_AOE ||
      frame.readUIntBE(SOURCE, 6) !== own
    )
      return;
    // vblade announces itself with version 0 in the header, so only the flag is looked at.
    if (((frame[FLAGS] as number) & RESPONSE) === 0) return;
    announced.add(`${frame.readUInt16BE(MAJOR)}.${frame[MINOR]}`);
  };
  return {
    heard: ({ shelf, slot }) =>
      pollUntilTrue(() => announced.has(`${shelf}.${slot}`), { every: POLL, patience: PATIENCE }),
    close: () => link.close(),
  };
}
