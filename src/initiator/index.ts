/** The TypeScript initiator: finds targets on a link, reads and writes them. */

export type { Access } from './access.js';
export { type Discovered, type DiscoverOptions, discover } from './discover.js';
export { AoeAnswerError, AtaAnswerError, MaskAnswerError, NoAnswerError } from './faults.js';
export { Initiator, initiatorOf, type Request } from './initiator.js';
export type { PathReport } from './lane.js';
export { type OpenOptions, openTarget } from './open.js';
export { ForeignDeviceError } from './revival.js';
export { readStream, writeStream } from './streams.js';
export { Target, type TargetConfig, type TargetOptions } from './target.js';
