/** `import { … } from "aoe-lab"`: the wire protocol, links, the initiator and the native target as a library. */
export * from './wire/aoe/index.js';
export * from './wire/initiator/index.js';
export * from './wire/link/index.js';
export * from './wire/native/index.js';
