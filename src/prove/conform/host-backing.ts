import { createHash } from 'node:crypto';
import { LabError } from '../../base/errors.js';
import type { Host } from '../../hosts/host/host.js';
import { SECTOR } from '../../wire/aoe/index.js';
import type { BackingFile } from './backing.js';
import { content } from './content.js';

/** Path, bytes, and SHA-256 or nothing: gives a file its size and the content of the one beside it again, if they differ. */
const RESET = `set -e
[ "$(stat -c %s "$1")" = "$2" ] || truncate -s "$2" "$1"
[ -z "$3" ] || [ "$(sha256sum < "$1")" = "$3  -" ] || dd if="$1.known" of="$1" bs=65536 conv=notrunc 2> /dev/null`;

/** Path: keeps what is sent to it beside it, too. */
const MAKE = 'set -e; umask 077; cat > "$1.known"; dd if="$1.known" of="$1" bs=65536 2> /dev/null';

const READ = 'set -e; dd if="$1" bs=512 skip="$2" count="$3" 2> /dev/null | base64';
const WRITE = 'exec dd of="$1" bs=512 seek="$2" conv=notrunc 2> /dev/null';

/** A backing file on a host over SSH, looked at and written by its shell. */
export class HostBacking implements BackingFile {
  readonly path: string;
  readonly #host: Host;
  readonly #sectors: number;
  /** Of its known content; empty if it is sparse. */
  readonly #digest: string;

  private constructor(host: Host, path: string, sectors: number, digest: string) {
    this.#host = host;
    this.path = path;
    this.#sectors = sectors;
    this.#digest = digest;
  }

  /** As Backing.make does. */
  static async make(host: Host, path: string, sectors: number, filled: boolean): Promise<HostBacking> {
    if (!filled) {
      await host.run(['truncate', '-s', String(sectors * SECTOR), path]);
      return new HostBacking(host, path, sectors, '');
    }
    const known = content(0, sectors);
    await host.run(['sh', '-c', MAKE, 'sh', path], { input: known });
    const backing = new HostBacking(host, path, sectors, createHash('sha256').update(known).digest('hex'));
    await backing.reset();
    return backing;
  }

  async read(lba: number, count: number): Promise<Buffer> {
    const { stdout } = await this.#host.run([
      ...['sh', '-c', READ, 'sh', this.path, String(lba), String(count)],
    ]);
    return Buffer.from(stdout, 'base64');
  }

  async write(lba: number, data: Buffer): Promise<void> {
    await this.#host.run(['sh', '-c', WRITE, 'sh', this.path, String(lba)], { input: data });
  }

  async size(): Promise<number> {
    const facts = await this.#host.stat(this.path);
    if (facts === undefined) {
      throw new LabError({ tried: `looking at ${this.path} on ${this.#host.name}`, happened: 'it is gone' });
    }
    return facts.size;
  }

  async reset(): Promise<void> {
    const size = String(this.#sectors * SECTOR);
    await this.#host.run(['sh', '-c', RESET, 'sh', this.path, size, this.#digest]);
  }

  async close(): Promise<void> {}
}
