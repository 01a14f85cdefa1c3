/** The AoE wire protocol: parse and build frames; no I/O. */

export { type Address, formatAddress, parseAddress } from './address.js';
export { ATA_DATA_OFFSET, type Ata, decodeAta, encodeAta } from './ata.js';
export { CONFIG_STRING_OFFSET, type Config, decodeConfig, encodeConfig } from './config.js';
export * from './constants.js';
export { Conversation, type Remark } from './conversation.js';
export { type Dissection, dissect, dissection } from './dissect.js';
export * from './ethernet.js';
export { type BodyFault, describeFault, type Fault } from './fault.js';
export * from './frame.js';
export * from './header.js';
export * from './identify.js';
export {
  decodeMask,
  encodeMask,
  MASK_DIRECTIVE,
  MASK_LIST_OFFSET,
  type Mask,
  type MaskDirective,
} from './mask.js';
export { requestInWords } from './request-words.js';
export {
  decodeReserve,
  encodeReserve,
  RESERVE_ENTRY,
  RESERVE_LIST_OFFSET,
  type Reserve,
} from './reserve.js';
