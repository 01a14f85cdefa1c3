/** What a target does about the frames that come in at a port: what each asks for, and how the outcome is answered. No I/O. */
import {
  AOE_VERSION,
  AoeError,
  BROADCAST,
  type Envelope,
  type Fault,
  type Frame,
  HeaderFlag,
  isGroup,
  type Mac,
} from '../aoe/index.js';
import { reactToAta } from './ata.js';
import { configAnswer, reactToConfig } from './config.js';
import { isDirected } from './directed.js';
import { reactToMask } from './mask.js';
import type { Port, Reaction, Silence } from './reaction.js';
import { reactToReserve } from './reserve.js';
import type { NativeTarget } from './target.js';

/** Address of the interface lo. */
const LOOPBACK: Mac = 0;

/** What is to be done about what came in at a port; changes nothing. Never throws. */
export function react(target: NativeTarget, frame: Frame | Fault, port: Port): Reaction {
  const { ethernet, header } = frame;
  if (ethernet === undefined || header === undefined) return silence('unreadable');
  const { source, destination } = ethernet;
  if (header.flags & HeaderFlag.response || !target.isAddressed(header.major, header.minor)) {
    return silence('not-for-us');
  }
  // A frame from a group address, or from ourselves, can't be answered; on loopback all frames bear one address.
  const isOwn = source === port.mac && source !== LOOPBACK;
  if (isGroup(source) || isOwn || (destination !== port.mac && !isGroup(destination))) {
    return silence('not-for-us');
  }
  if (!target.hears(source)) return silence('not-allowed');
  const envelope: Envelope = { ethernet, header };
  if (header.version !== AOE_VERSION) return target.refuse(envelope, port, AoeError.unsupportedVersion);
  if (frame.kind !== 'fault' && !isDirected(frame, port.mac)) return silence('undirected');
  switch (frame.kind) {
    case 'ata':
      return reactToAta(target, frame, port);
    case 'config':
      return reactToConfig(target, frame, port);
    case 'mask':
      return reactToMask(target, frame, port);
    case 'reserve':
      return reactToReserve(target, frame, port);
    case 'fault':
      return target.refuse(envelope, port, AoeError.badArgument);
    default:
      return target.refuse(envelope, port, AoeError.unrecognisedCommand);
  }
}

/** The frames that tell everybody who may use a target that it is there. */
export function announcements(target: NativeTarget, port: Port): Frame[] {
  const request: Envelope = {
    ethernet: { destination: port.mac, source: BROADCAST },
    header: { version: AOE_VERSION, flags: 0, error: 0, major: 0, minor: 0, command: 1, tag: 0 },
  };
  return target.listeners.map((source) =>
    configAnswer(target, { ...request, ethernet: { ...request.ethernet, source } }, port, 0),
  );
}

function silence(why: Silence): Reaction {
  return { kind: 'silence', why };
}
