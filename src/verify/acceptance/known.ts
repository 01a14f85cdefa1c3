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

export const KNOWN_FINDING =
  "the client's kernel warned of a frame of its own aoe driver (pages of a slab, get_page): not the target's doing";

/** Whether a complaint, by its first line, is the client's alone. */
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
