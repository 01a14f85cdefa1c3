/** Whether an interface can carry AoE, and which one should be named instead; pure, so that a plan says the same as what carries it out. */
import { MissingError, type ToldFacts, UsageError } from '../../base/errors.js';
import type { InterfaceFacts } from './interface-facts.js';
import { interfaceObjection, mtuObjection, upCommand } from './interface-objection.js';

/** What speaks against an interface, and the error that tells it. */
export interface InterfaceTrouble extends Pick<ToldFacts, 'happened'> {
  next: string;
  Fault: typeof UsageError | typeof MissingError;
}

export interface ChoiceOptions {
  netns: string | undefined;
  /** "export on" */
  verb: string;
  /** What is to be done where there is none of that name. Default: another is taken. */
  otherwise?: string | undefined;
}

/** @param all interfaces of the namespace @param name or altname */
export function chooseInterface(
  all: readonly InterfaceFacts[],
  name: string,
  { netns, verb, otherwise }: ChoiceOptions,
): { facts: InterfaceFacts } | InterfaceTrouble {
  const facts = findInterface(all, name);
  if (facts === undefined) {
    return {
      happened: 'there is no such interface',
      next:
        otherwise ??
        `take one of ${all.map((known) => known.name).join(', ')}, or name its namespace by --netns`,
      Fault: UsageError,
    };
  }
  const objection = interfaceObjection(facts, all, verb) ?? mtuObjection(facts);
  if (objection !== undefined) return { ...objection, Fault: UsageError };
  if (facts.up) return { facts };
  return { happened: 'it is down', next: upCommand(facts.name, netns), Fault: MissingError };
}

/** The interface of a name or altname. */
export function findInterface(all: readonly InterfaceFacts[], name: string): InterfaceFacts | undefined {
  return all.find((one) => one.name === name) ?? all.find(({ altnames }) => altnames.includes(name));
}
