/** The TypeScript initiator: finds targets on a link, reads and writes them. */

export { type Discovered, type DiscoverOptions, discover } from './discover.js';
export { AoeAnswerError, AtaAnswerError, NoAnswerError } from './faults.js';
export { Initiator, initiatorOf, type Request } from './initiator.js';
export { type OpenOptions, openTarget } from './open.js';
export { readStream, writeStream } from './streams.js';
export { Target, type TargetConfig, type TargetOptions } from './target.js';
