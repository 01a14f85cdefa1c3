import { UsageError } from '../../base/errors.js';

/** Which way a frame passes a port: into the hub, or out of it. */
export type Way = 'in' | 'out';

/** Which frames a fault hits. */
export interface Aim {
  /** Of the frames in question, 0 to 1; each is decided alone. */
  probability?: number | undefined;
  /** Exact frames by their number, counted from 1 over the frames in question, for each way by itself. */
  frames?: readonly number[] | undefined;
  /** Default: both. */
  way?: Way | undefined;
  /** Only frames for which it holds are in question; they must be left as they are. */
  filter?: ((frame: Buffer) => boolean) | undefined;
}

/** One line of a fault plan. With neither probability nor numbers it hits every frame in question. */
export type Fault = Aim &
  (
    | { fault: 'drop' }
    /** Delivered later: after a time, or one from a span. Later frames overtake it. */
    | { fault: 'delay'; milliseconds: number | readonly [least: number, most: number] }
    /** Delivered several times, one behind the other. Default: 1 more. */
    | { fault: 'duplicate'; copies?: number }
    /** Held back until some later frames have passed (default: 1), or for some time if none come (20 ms). */
    | { fault: 'reorder'; by?: number; milliseconds?: number }
    /** One bit behind the Ethernet header is turned over. */
    | { fault: 'corrupt' }
    /** Nothing passes from this frame on, itself included, until it is restored. Frames go on being counted. */
    | { fault: 'cut' }
    /** The end of a cut; this frame passes. */
    | { fault: 'restore' }
  );

export type FaultPlan = readonly Fault[];
export type FaultName = Fault['fault'];

/** @throws UsageError if the plan can't be meant */
export function checkPlan(plan: FaultPlan, port: string): void {
  const refuse = (index: number, happened: string): never => {
    const next = 'give either a probability of 0 to 1, or numbers of frames from 1';
    throw new UsageError({ tried: `taking fault ${index + 1} of port ${port}`, happened, next });
  };
  for (const [index, { fault, probability, frames }] of plan.entries()) {
    if (probability !== undefined && frames !== undefined) {
      refuse(index, `${fault} has both a probability and numbers of frames`);
    }
    if (probability !== undefined && !(probability >= 0 && probability <= 1)) {
      refuse(index, `${probability} is no probability`);
    }
    if (frames?.some((number) => !Number.isInteger(number) || number < 1)) {
      refuse(index, `${frames.join(', ')} are no numbers of frames`);
    }
  }
}
