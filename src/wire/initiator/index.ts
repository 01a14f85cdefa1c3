/** The TypeScript initiator: finds targets on a link, reads and writes them. */

export type { Access } from './access.js';
export type { TargetConfig } from './config.js';
export { type Discovered, type DiscoverOptions, discover } from './discover.js';
export {
  AoeAnswerError,
  AtaAnswerError,
  ForeignDeviceError,
  MaskAnswerError,
  NoAnswerError,
} from './faults.js';
export { Initiator, initiatorOf, type Request } from './initiator.js';
export type { PathReport } from './lane.js';
export { type OpenOptions, openTarget } from './open.js';
export { readStream, writeStream } from './streams.js';
export { Target, type TargetOptions } from './target.js';
export { distinctDisks, type Station, type WhoOptions, whoAnswers } from './who-answers.js';
