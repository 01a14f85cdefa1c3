/** How long an address is not served, as initiators see it: requests at a fixed pace, and which of them are answered. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Address,
  BODY_OFFSET,
  Command,
  ConfigCommand,
  decodeHeader,
  ETHERTYPE_AOE,
  isResponse,
  type Mac,
  MIN_FRAME,
} from '../../wire/aoe/index.js';
import { Requests } from '../../wire/initiator/requests.js';
import type { Link } from '../../wire/link/link.js';

export interface Gap {
  /** Milliseconds between two requests. */
  pace: number;
  requests: number;
  unanswered: number;
  /** Milliseconds from the first request that was not answered to the next one that was; the longest such time. */
  longest: number;
  /** Milliseconds; the longest time between two requests: a busy machine keeps no pace, and no gap is told finer than that. */
  coarsest: number;
}

const PACE = 5;
/** Milliseconds after which nothing is waited for any more. */
const PATIENCE = 200;
const SOURCE_OFFSET = 6;
const TYPE_OFFSET = 12;
const TAG_OFFSET = 20;

/**
 * Asks an address for its configuration every 5 ms; no request is repeated.
 * @param link taken for this alone
 * @returns a function that ends it and tells what was seen
 */
export function watchGap(link: Link, mac: Mac, address: Address): () => Promise<Gap> {
  const bytes = Buffer.alloc(MIN_FRAME);
  new Requests(link.mac, mac, address).config(bytes, ConfigCommand.read);
  const first = Math.floor(Math.random() * 0x7fff_ffff) + 1;
  const sent: number[] = [];
  const answered: boolean[] = [];
  link.onFrame = (frame) => {
    if (frame.length < BODY_OFFSET || frame.readUInt16BE(TYPE_OFFSET) !== ETHERTYPE_AOE) return;
    const header = decodeHeader(frame);
    if (!isResponse(header) || header.command !== Command.config) return;
    // Others may guess, or serve another shelf from there.
    if (frame.readUIntBE(SOURCE_OFFSET, 6) !== mac || !isOf(header, address)) return;
    const index = header.tag - first;
    if (index >= 0 && index < sent.length) answered[index] = true;
  };
  const timer = setInterval(() => {
    bytes.writeUInt32BE(first + sent.length, TAG_OFFSET);
    sent.push(performance.now());
    try {
      link.send(bytes);
    } catch {
      // The interface is down: not answered.
    }
  }, PACE);
  return async () => {
    clearInterval(timer);
    const deadline = performance.now() + PATIENCE;
    while (answered[sent.length - 1] !== true && performance.now() < deadline) await sleep(PACE);
    link.onFrame = undefined;
    return summarize(sent, answered);
  };
}

function isOf({ major, minor }: { major: number; minor: number }, { shelf, slot }: Address): boolean {
  return major === shelf && minor === slot;
}

/** @param sent when each request was sent · @param answered whether it was answered; what is missing was not */
export function summarize(sent: readonly number[], answered: readonly (boolean | undefined)[]): Gap {
  let longest = 0;
  let since: number | undefined;
  let unanswered = 0;
  let coarsest = 0;
  for (const [index, time] of sent.entries()) {
    coarsest = Math.max(coarsest, time - (sent[index - 1] ?? time));
    if (answered[index] !== true) {
      unanswered++;
      since ??= time;
    }
    if (since !== undefined) longest = Math.max(longest, time - since);
    if (answered[index] === true) since = undefined;
  }
  return { pace: PACE, requests: sent.length, unanswered, longest, coarsest };
}
