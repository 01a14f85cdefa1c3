/** The native target: an AoE target of this package's own. */

export { type Backing, BackingError, MemoryBacking } from './backing.js';
export type { Counters } from './counters.js';
export { FileBacking, type FileBackingOptions } from './file-backing.js';
export { type Gateway, LinkGateway } from './gateway.js';
export type { IoFault, Port, Reaction, Silence } from './reaction.js';
export { makeServed, type ServeOptions, serveTargets } from './serve.js';
export type { Served } from './served.js';
export { decodeState, encodeState, NO_STATE, type TargetState } from './state.js';
export { type StateKeeper, StateStore } from './state-store.js';
export { sectorsPerFrame } from './station.js';
export { NativeTarget, type TargetSettings } from './target.js';
