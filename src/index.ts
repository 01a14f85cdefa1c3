/** `import { … } from "aoe-lab"`: the wire protocol, links, the initiator and the native target as a library. */
export * from './aoe/index.js';
export * from './initiator/index.js';
export * from './link/index.js';
export * from './native/index.js';
