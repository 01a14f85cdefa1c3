import type { Completion } from './uring.js';

/** Who gets operations of io_uring back, by slot. */
export type SlotCompletion = Pick<Completion, 'done' | 'sent'>;

/** Slots of one interface, at most; an operation carries the interface's number and the slot in one. */
const SLOTS = 65536;

const members: (SlotCompletion | undefined)[] = [];

/** @returns the number that slot 0 has as an operation */
export function register(member: SlotCompletion): number {
  const free = members.indexOf(undefined);
  const index = free === -1 ? members.length : free;
  members[index] = member;
  return index * SLOTS;
}

export function unregister(id: number): void {
  members[id / SLOTS] = undefined;
}

/** Hands what is done to the interface it belongs to. */
export const DISPATCH: SlotCompletion = {
  done: (id, result) => members[id >>> 16]?.done(id & 0xffff, result),
  sent: (id, result) => members[id >>> 16]?.sent(id & 0xffff, result),
};
