import {
  AoeError,
  type Mac,
  MaskCommand,
  type MaskDirective,
  MaskDirectiveCommand,
  MaskError,
  type MaskFrame,
} from '../aoe/index.js';
import type { Port, Reaction } from './reaction.js';
import { MAX_MASKS, sameMacs, type TargetState } from './state.js';
import type { NativeTarget } from './target.js';

/**
 * MAC mask list. An edit's directives are carried out in their order; at the first that can't be, the rest is left
 * undone, and the answer repeats those that were done, their number and why it stopped. Of a locked list none is done that
 * would change it.
 */
export function reactToMask(target: NativeTarget, request: MaskFrame, port: Port): Reaction {
  const { mcmd, directives } = request.mask;
  const frame = (merror: number, list: MaskDirective[], error = 0): MaskFrame => ({
    ...target.envelope(request, port, error),
    kind: 'mask',
    mask: { mcmd, merror, directives: list },
  });
  const answer = (state: TargetState, merror: number, list: MaskDirective[]): Reaction => ({
    kind: 'keep',
    state,
    answer: (kept) => (kept ? frame(merror, list) : frame(MaskError.unspecified, [])),
  });
  const before = target.state;
  switch (mcmd) {
    case MaskCommand.read:
      return answer(before, MaskError.none, listed(before.masks));
    case MaskCommand.edit: {
      const { masks, merror, done } = edit(before.masks, directives);
      const isSame = sameMacs(masks, before.masks);
      if (!isSame && target.locked) return answer(before, MaskError.unspecified, []);
      const list = merror === MaskError.none ? listed(masks) : directives.slice(0, done);
      return answer(isSame ? before : { ...before, masks }, merror, list);
    }
    default:
      return { kind: 'answer', frame: frame(MaskError.none, [], AoeError.badArgument) };
  }
}

function edit(
  before: readonly Mac[],
  directives: readonly MaskDirective[],
): { masks: Mac[]; merror: number; done: number } {
  const masks = new Set(before);
  for (const [done, { dcmd, mac }] of directives.entries()) {
    switch (dcmd) {
      case MaskDirectiveCommand.none:
        break;
      case MaskDirectiveCommand.add:
        if (!masks.has(mac) && masks.size >= MAX_MASKS) {
          return { masks: [...masks], merror: MaskError.listFull, done };
        }
        masks.add(mac);
        break;
      case MaskDirectiveCommand.delete:
        masks.delete(mac);
        break;
      default:
        return { masks: [...masks], merror: MaskError.badDirective, done };
    }
  }
  return { masks: [...masks], merror: MaskError.none, done: directives.length };
}

function listed(masks: readonly Mac[]): MaskDirective[] {
  return masks.map((mac) => ({ dcmd: MaskDirectiveCommand.none, mac }));
}
