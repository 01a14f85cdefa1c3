import {
  type Address,
  AOE_VERSION,
  type AoeHeader,
  type Ata,
  Command,
  type EthernetHeader,
  type Mac,
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

  #header(command: number): AoeHeader {
    return requestHeader(this.#address.shelf, this.#address.slot, command, 0);
  }
}
