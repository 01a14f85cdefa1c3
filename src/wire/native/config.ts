import {
  AOE_VERSION,
  AoeError,
  ConfigCommand,
  type ConfigFrame,
  type Envelope,
  MAX_CONFIG_STRING,
} from '../aoe/index.js';
import type { Port, Reaction } from './reaction.js';
import { FIRMWARE, type NativeTarget } from './target.js';

/** Query config: asks for, tests or sets the config string. Every answer says what it is now. */
export function reactToConfig(target: NativeTarget, request: ConfigFrame, port: Port): Reaction {
  const { ccmd, string } = request.config;
  const current = target.state.configString;
  const answer = (error = 0, state = target.state): Reaction => ({
    kind: 'keep',
    state,
    answer: (kept) =>
      kept
        ? configAnswer(target, request, port, ccmd, error, state)
        : configAnswer(target, request, port, ccmd, AoeError.deviceUnavailable),
  });
  switch (ccmd) {
    case ConfigCommand.read:
      return answer();
    case ConfigCommand.test:
      return string.equals(current) ? answer() : { kind: 'silence', why: 'no-match' };
    case ConfigCommand.testPrefix: {
      const matches = string.length <= current.length && string.equals(current.subarray(0, string.length));
      return matches ? answer() : { kind: 'silence', why: 'no-match' };
    }
    case ConfigCommand.set:
    case ConfigCommand.forceSet: {
      // The same string once more is a request that was repeated because its answer got lost.
      if (string.equals(current)) return answer();
      if (ccmd === ConfigCommand.set && current.length > 0) return answer(AoeError.configStringPresent);
      if (target.locked || string.length > MAX_CONFIG_STRING) return answer(AoeError.badArgument);
      return answer(0, { ...target.state, configString: Buffer.from(string) });
    }
    default:
      return answer(AoeError.badArgument);
  }
}

export function configAnswer(
  target: NativeTarget,
  request: Envelope,
  port: Port,
  ccmd: number,
  error = 0,
  state = target.state,
): ConfigFrame {
  return {
    ...target.envelope(request, port, error),
    kind: 'config',
    config: {
      bufferCount: target.bufferCount,
      firmware: FIRMWARE,
      sectorCount: port.maxSectors,
      version: AOE_VERSION,
      ccmd,
      string: state.configString,
    },
  };
}
