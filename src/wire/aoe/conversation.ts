import { type Dissection, dissection } from './dissect.js';
import { BROADCAST, type Mac } from './ethernet.js';
import { parseFrame } from './frame.js';
import { isResponse } from './header.js';
import { requestInWords } from './request-words.js';

/** A frame as part of what was said before. */
export interface Remark extends Dissection {
  /** Of a request: whether it has been sent before and is not answered yet; of an answer: whether it was given before. */
  isRepeated: boolean;
  /** Milliseconds from the request's last sending to this answer; undefined if that was not seen. */
  roundTrip: number | undefined;
}

interface Asked {
  words: string;
  at: number;
  isAnswered: boolean;
}

/** Requests remembered at most; the oldest makes room. */
const MOST = 8192;

/** Follows requests and answers that pass a wire: an ATA answer can't be told without its request. */
export class Conversation {
  readonly #asked = new Map<string, Asked>();

  /**
   * @param bytes from the destination MAC on
   * @param now milliseconds
   */
  hear(bytes: Uint8Array, now: number): Remark {
    const frame = parseFrame(bytes);
    const { ethernet, header } = frame;
    if (frame.kind === 'fault' || ethernet === undefined || header === undefined) {
      return { ...dissection(frame), isRepeated: false, roundTrip: undefined };
    }
    if (!isResponse(header)) {
      const before = this.#find(ethernet.source, header.tag);
      const words = requestInWords(frame);
      const isRepeated = before !== undefined && !before.isAnswered && before.words === words;
      this.#remember(ethernet.source, header.tag, { words, at: now, isAnswered: false });
      return { ...dissection(frame), isRepeated, roundTrip: undefined };
    }
    const asked =
      ethernet.destination === BROADCAST ? undefined : this.#find(ethernet.destination, header.tag);
    const remark: Remark = {
      ...dissection(frame, asked?.words),
      // A query to all is answered by many.
      isRepeated: asked?.isAnswered === true && frame.kind !== 'config',
      roundTrip: asked && now - asked.at,
    };
    if (asked) asked.isAnswered = true;
    return remark;
  }

  #find(initiator: Mac, tag: number): Asked | undefined {
    return this.#asked.get(`${initiator} ${tag}`);
  }

  #remember(initiator: Mac, tag: number, asked: Asked): void {
    const key = `${initiator} ${tag}`;
    this.#asked.delete(key);
    this.#asked.set(key, asked);
    if (this.#asked.size > MOST) this.#asked.delete(this.#asked.keys().next().value as string);
  }
}
