/** The AoE wire protocol: parse and build frames; no I/O. */

export { type Address, formatAddress, parseAddress } from './address.js';
export { ATA_DATA_OFFSET, type Ata, decodeAta, encodeAta } from './ata.js';
export { CONFIG_STRING_OFFSET, type Config, decodeConfig, encodeConfig } from './config.js';
export * from './constants.js';
export * from './ethernet.js';
export { type BodyFault, describeFault, type Fault } from './fault.js';
export * from './frame.js';
export * from './header.js';
export * from './identify.js';
export { decodeMask, encodeMask, type Mask, type MaskDirective } from './mask.js';
export { decodeReserve, encodeReserve, type Reserve } from './reserve.js';
