/** `import { … } from "aoe-lab"`: the wire protocol, links and the initiator as a library. */
export * from './aoe/index.js';
export * from './initiator/index.js';
export * from './link/index.js';
