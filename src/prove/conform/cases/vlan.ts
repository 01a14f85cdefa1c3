import { BROADCAST } from '../../../wire/aoe/index.js';
import { type ConformCase, should } from '../case.js';
import { type Probe, tagOf } from '../probe.js';

/** A VLAN that has no interface where the target is. */
const VLAN = 0xa0e;

/** The frame with a tag of IEEE 802.1Q. */
function tagged(frame: Buffer): Buffer {
  return Buffer.concat([
    frame.subarray(0, 12),
    Buffer.from([0x81, 0, VLAN >> 8, VLAN & 0xff]),
    frame.subarray(12),
  ]);
}

/** Sends a request tagged, and a plain query after it. */
async function unserved(probe: Probe, request: Buffer): Promise<void> {
  await probe.log.send(tagged(request));
  await probe.untilQuiet();
  const [answer] = probe.log.answers(tagOf(request));
  if (answer !== undefined) probe.fail(`it was answered, without a tag: ${probe.words(answer)}`);
}

export const vlan: ConformCase[] = [
  should(
    'addressing.Vlan.Query',
    'A query tagged for a VLAN that it does not serve is not answered',
    'IEEE 802.1Q 8.6',
    async (probe) => {
      await unserved(probe, probe.to.config());
      await unserved(probe, probe.to.config(0, '', { destination: BROADCAST }));
    },
  ),
  should(
    'addressing.Vlan.Write',
    'A write tagged for a VLAN that it does not serve changes nothing',
    'IEEE 802.1Q 8.6',
    async (probe) => {
      await unserved(probe, probe.to.write(0, Buffer.alloc(512, 0xee)));
      await probe.fileUntouched();
    },
  ),
];
