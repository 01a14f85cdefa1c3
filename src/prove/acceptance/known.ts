/**
 * What the client's kernel complains of whatever the target does. No I/O.
 *
 * The aoe driver hangs the pages of a request into its frames as they are (drivers/block/aoe/aoecmd.c), and a journal's
 * buffers may lie in slabs (jbd2_alloc, where blocks are smaller than pages). A card without scatter-gather, as virtio on
 * a socket, has such a frame copied: skb_linearize, pskb_expand_head, get_page, which warns of slabs in Linux 7.2 and not
 * yet in 6.12. It warns once, takes no reference, and nothing is lost.
 */
const SLAB_FRAGMENT = /WARNING: include\/linux\/mm\.h:\d+ at pskb_expand_head\+\S+ CPU#\d+: aoe_tx\d*\//;
const END = /---\[ end trace/;
/** Lines that one such complaint may have. */
const MOST = 100;

export const SLAB_FINDING =
  "the client's kernel warned of a frame of its own aoe driver (pages of a slab, get_page): not the target's doing";

/**
 * The driver's timer gives up a device that is silent for aoe_deadsecs: aoedev_downdev, which waits for the block queue,
 * and may not in a timer. Linux 6.16 does that in a work queue ("aoe: defer rexmit timer downdev work to workqueue");
 * Debian has it from 6.1.147 and in 6.12, and not in 5.10. The kernel does not survive it.
 */
const SLEEPING_TIMER = /scheduling while atomic.*\baoedev_downdev\b/s;

export const SLEEPING_FINDING =
  "the client's kernel failed as its aoe driver gave the device up (aoedev_downdev sleeps in a timer; fixed in Linux " +
  "6.16, Debian's 6.1.147 and 6.12): not the target's doing. Take a client of another kernel: --client-kernel 6.1";

/** What is to be said of complaints, each once. */
export function findingsOf(trouble: readonly string[]): string[] {
  return [
    ...(trouble.some(isKnown) ? [SLAB_FINDING] : []),
    ...(trouble.some((text) => SLEEPING_TIMER.test(text)) ? [SLEEPING_FINDING] : []),
  ];
}

/** Whether a complaint, by its first line, is the client's alone and harmless. */
export function isKnown(trouble: string): boolean {
  return SLAB_FRAGMENT.test(trouble.split('\n', 1)[0] ?? '');
}

/** Lines of a kernel's log without such complaints. */
export function withoutKnown(lines: readonly string[]): string[] {
  const kept: string[] = [];
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] as string;
    if (!SLAB_FRAGMENT.test(line)) {
      kept.push(line);
      continue;
    }
    const end = lines.slice(index, index + MOST).findIndex((one) => END.test(one));
    index += Math.max(end, 0);
  }
  return kept;
}
