import { LabError } from '../../base/errors.js';
import { type Libc, libcError } from '../../base/libc/libc.js';
import { inNamespace } from '../../wire/link/netns.js';
import type { Calls } from './calls.js';
import type { Stream } from './nbd-handshake.js';
import { setWait } from './packet-socket.js';

const AF_INET = 2;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
/** Bytes: all that may be outstanding, so that neither side waits for the other to read first. */
const QUEUE = 16 << 20;

/** A TCP connection to 127.0.0.1 whose calls wait. */
export class StreamSocket implements Stream {
  readonly fd: number;
  readonly #c: Libc;
  readonly #calls: Calls;

  /** @throws LabError if nobody listens */
  constructor(c: Libc, calls: Calls, port: number, netns: string | undefined, wait: number) {
    this.#c = c;
    this.#calls = calls;
    const make = () => c.socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    this.fd = netns === undefined ? make() : inNamespace(c, netns, make);
    const number = Buffer.alloc(4);
    const set = (level: number, option: number, value: number): void => {
      number.writeInt32LE(value);
      c.setsockopt(this.fd, level, option, number, 4);
    };
    set(SOL_SOCKET, SO_RCVBUFFORCE, QUEUE);
    set(SOL_SOCKET, SO_SNDBUFFORCE, QUEUE);
    set(IPPROTO_TCP, TCP_NODELAY, 1);
    // struct sockaddr_in: family 2 (host order), port 2, address 4, padding 8.
    const address = Buffer.from([AF_INET, 0, port >> 8, port & 0xff, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    if (calls.connect(this.fd, address, address.length) !== 0) {
      const errno = calls.errno();
      c.close(this.fd);
      throw libcError(`connecting to port ${port} of 127.0.0.1`, 'connect', errno);
    }
    setWait(c, this.fd, wait);
  }

  read(length: number): Buffer {
    const into = Buffer.alloc(length);
    const address = length === 0 ? 0 : this.#c.addressOf(into);
    for (let have = 0; have < length; ) {
      const got = this.#calls.recv(this.fd, address + have, length - have, 0);
      if (got <= 0) throw this.#ended(got);
      have += got;
    }
    return into;
  }

  write(data: Buffer): void {
    if (this.#c.send(this.fd, data, data.length, 0) !== data.length) throw this.#ended(-1);
  }

  close(): void {
    this.#c.close(this.fd);
  }

  #ended(result: number): LabError {
    const tried = 'speaking NBD';
    if (result === 0) return new LabError({ tried, happened: 'the server closed the connection' });
    return libcError(tried, 'a call on the connection', this.#calls.errno());
  }
}
