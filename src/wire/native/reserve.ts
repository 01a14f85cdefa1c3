import { AoeError, ReserveCommand, type ReserveFrame } from '../aoe/index.js';
import type { Port, Reaction } from './reaction.js';
import { sameMacs, type TargetState } from './state.js';
import type { NativeTarget } from './target.js';

/** Reserve/release. Every answer lists who has reserved the target now. */
export function reactToReserve(target: NativeTarget, request: ReserveFrame, port: Port): Reaction {
  const { rcmd, macs } = request.reserve;
  const frame = (state: TargetState, error = 0): ReserveFrame => ({
    ...target.envelope(request, port, error),
    kind: 'reserve',
    reserve: { rcmd, macs: [...state.reservation] },
  });
  const answer = (error = 0, state = target.state): Reaction => ({
    kind: 'keep',
    state,
    answer: (kept) => (kept ? frame(state, error) : frame(target.state, AoeError.deviceUnavailable)),
  });
  switch (rcmd) {
    case ReserveCommand.read:
      return answer();
    case ReserveCommand.set:
    case ReserveCommand.forceSet: {
      if (rcmd === ReserveCommand.set && !target.mayUse(request.ethernet.source)) {
        return answer(AoeError.targetReserved);
      }
      const reservation = [...new Set(macs)];
      if (sameMacs(reservation, target.state.reservation)) return answer();
      if (target.locked) return answer(AoeError.badArgument);
      return answer(0, { ...target.state, reservation });
    }
    default:
      return answer(AoeError.badArgument);
  }
}
