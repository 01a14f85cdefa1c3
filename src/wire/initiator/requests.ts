import {
  type Address,
  AOE_VERSION,
  type AoeHeader,
  type Ata,
  Command,
  type EthernetHeader,
  type Mac,
  type MaskDirective,
  requestHeader,
  writeFrame,
} from '../aoe/index.js';

const NOTHING: Buffer = Buffer.alloc(0);

/** Writes the frames of requests to one address; their tags are set when they are sent. */
export class Requests {
  readonly #ethernet: EthernetHeader;
  readonly #address: Address;

  constructor(source: Mac, destination: Mac, address: Address) {
    this.#ethernet = { source, destination };
    this.#address = address;
  }

  /** @returns the frame's length */
  ata(into: Buffer, ata: Ata, data: Buffer = NOTHING): number {
    return writeFrame(
      { kind: 'ata', ethernet: this.#ethernet, header: this.#header(Command.ata), ata, data },
      into,
    );
  }

  /** @returns the frame's length */
  config(into: Buffer, ccmd: number, string: Uint8Array = NOTHING): number {
    const bytes = Buffer.from(string.buffer, string.byteOffset, string.byteLength);
    const config = { bufferCount: 0, firmware: 0, sectorCount: 0, version: AOE_VERSION, ccmd, string: bytes };
    const header = this.#header(Command.config);
    return writeFrame({ kind: 'config', ethernet: this.#ethernet, header, config }, into);
  }

  /** @returns the frame's length */
  mask(into: Buffer, mcmd: number, directives: MaskDirective[] = []): number {
    const mask = { mcmd, merror: 0, directives };
    const header = this.#header(Command.mask);
    return writeFrame({ kind: 'mask', ethernet: this.#ethernet, header, mask }, into);
  }

  /** @returns the frame's length */
  reserve(into: Buffer, rcmd: number, macs: Mac[] = []): number {
    const header = this.#header(Command.reserve);
    return writeFrame({ kind: 'reserve', ethernet: this.#ethernet, header, reserve: { rcmd, macs } }, into);
  }

  #header(command: number): AoeHeader {
    return requestHeader(this.#address.shelf, this.#address.slot, command, 0);
  }
}
