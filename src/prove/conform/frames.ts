import {
  type Address,
  AOE_VERSION,
  type Ata,
  AtaFlag,
  buildFrame,
  Command,
  type Config,
  ConfigCommand,
  type Envelope,
  type Mac,
  type Mask,
  type MaskDirective,
  type Reserve,
} from '../../wire/aoe/index.js';
import { Tags } from '../../wire/initiator/tags.js';

/** What a case may put into the Ethernet and AoE headers instead of what is right. */
export interface Overrides {
  source?: Mac;
  destination?: Mac;
  version?: number;
  flags?: number;
  error?: number;
  major?: number;
  minor?: number;
  command?: number;
  tag?: number;
}

const NOTHING = Buffer.alloc(0);

/** Builds requests as bytes, each with a tag of its own that nobody can guess. */
export class Frames {
  readonly #source: Mac;
  readonly #destination: Mac;
  readonly #address: Address;
  static readonly #tags = new Tags();
  static readonly #given = new Set<number>();

  constructor(source: Mac, destination: Mac, address: Address) {
    this.#source = source;
    this.#destination = destination;
    this.#address = address;
  }

  ata(ata: Partial<Ata>, over: Overrides = {}, data: Buffer = NOTHING): Buffer {
    const whole: Ata = { flags: 0, errFeature: 0, count: 0, cmdStatus: 0, lba: 0, ...ata };
    return buildFrame({ kind: 'ata', ...this.#envelope(Command.ata, over), ata: whole, data });
  }

  /** A read, by READ SECTORS (EXT). */
  read(lba: number, count: number, wide = true, over: Overrides = {}): Buffer {
    const flags = wide ? AtaFlag.lba48 : 0;
    return this.ata({ flags, count, cmdStatus: wide ? 0x24 : 0x20, lba }, over);
  }

  /** A write of whole sectors, by WRITE SECTORS (EXT). */
  write(lba: number, data: Buffer, wide = true, over: Overrides = {}): Buffer {
    const flags = AtaFlag.write | (wide ? AtaFlag.lba48 : 0);
    return this.ata({ flags, count: data.length / 512, cmdStatus: wide ? 0x34 : 0x30, lba }, over, data);
  }

  config(
    ccmd: number = ConfigCommand.read,
    string: Uint8Array | string = NOTHING,
    over: Overrides = {},
  ): Buffer {
    const bytes = typeof string === 'string' ? Buffer.from(string, 'latin1') : Buffer.from(string);
    return this.configOf({ ccmd, string: bytes }, over);
  }

  configOf(config: Partial<Config>, over: Overrides = {}): Buffer {
    const whole: Config = {
      bufferCount: 0,
      firmware: 0,
      sectorCount: 0,
      version: AOE_VERSION,
      ccmd: 0,
      string: NOTHING,
      ...config,
    };
    return buildFrame({ kind: 'config', ...this.#envelope(Command.config, over), config: whole });
  }

  mask(mcmd: number, directives: MaskDirective[] = [], over: Overrides = {}): Buffer {
    const mask: Mask = { mcmd, merror: 0, directives };
    return buildFrame({ kind: 'mask', ...this.#envelope(Command.mask, over), mask });
  }

  reserve(rcmd: number, macs: Mac[] = [], over: Overrides = {}): Buffer {
    const reserve: Reserve = { rcmd, macs };
    return buildFrame({ kind: 'reserve', ...this.#envelope(Command.reserve, over), reserve });
  }

  /** Any command with any body, padded to 60 bytes. */
  raw(command: number, body: Buffer, over: Overrides = {}): Buffer {
    return buildFrame({ kind: 'unknown', ...this.#envelope(command, over), body });
  }

  #envelope(command: number, over: Overrides): Envelope {
    const { source = this.#source, destination = this.#destination, ...header } = over;
    const tag = Frames.#tags.fresh((one) => Frames.#given.has(one));
    Frames.#given.add(tag);
    return {
      ethernet: { source, destination },
      header: {
        version: AOE_VERSION,
        flags: 0,
        error: 0,
        major: this.#address.shelf,
        minor: this.#address.slot,
        command,
        tag,
        ...header,
      },
    };
  }
}
