import type { Probe } from './probe.js';

/** must: the specification demands it · should: initiators count on it · may: worth knowing */
export type Severity = 'must' | 'should' | 'may';

/** What a case needs beside the plain export; where it is lacking the case is skipped, with this as its reason. */
export type Need = 'masks' | 'reservations' | 'readOnly' | 'big' | 'restart' | 'jumbo';

export interface ConformCase {
  /** FAMILY.Suite.Case */
  name: string;
  /** What every target has to do, in one line. */
  rule: string;
  /** Where that is written: "AoE 2.7" (ATA over Ethernet, revision 11), "ATA 6.17" (ATA/ATAPI-7, volume 1). */
  section: string;
  severity: Severity;
  needs?: Need;
  /** @throws CaseFault if the target does otherwise · SkipCase if it can't be told */
  run(probe: Probe): Promise<void>;
}

type Declare = (
  name: string,
  rule: string,
  section: string,
  run: ConformCase['run'],
  needs?: Need,
) => ConformCase;

function declare(severity: Severity): Declare {
  return (name, rule, section, run, needs) => ({
    name,
    rule,
    section,
    severity,
    run,
    ...(needs === undefined ? {} : { needs }),
  });
}

export const must = declare('must');
export const should = declare('should');
export const may = declare('may');
