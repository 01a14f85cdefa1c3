/**
 * A file system in memory, served by this process over /dev/fuse, which it gets as descriptor 3 (linux/fuse.h, protocol
 * 7.31): files `disk0` to `disk9` of `SIZE` bytes. `BAD` is a byte that can't be read, from `FULL` on nothing can be written.
 * Nothing is cached. It is a program of its own so that it can be stopped, as a server that is gone: it stops itself where
 * there is a file `FLAG`.
 */
import { existsSync, readSync, writeSync } from 'node:fs';

const [FLAG = '', ...numbers] = process.argv.slice(2);
const [SIZE = 0, BAD = -1, FULL = Number.MAX_SAFE_INTEGER] = numbers.map(Number);
const FD = 3;
const ROOT = 1;
const [ENOENT, EIO, ENOSPC, ENOSYS] = [2, 5, 28, 38];
const OP = {
  lookup: 1,
  forget: 2,
  getattr: 3,
  setattr: 4,
  open: 14,
  read: 15,
  write: 16,
  statfs: 17,
  release: 18,
  fsync: 20,
  init: 26,
  opendir: 27,
  releasedir: 29,
  interrupt: 36,
  batchForget: 42,
};
/** Bytes of the head of a request, and of an answer. */
const [HEAD, ANSWER] = [40, 16];
const DIRECT_IO = 1;
const MAX_WRITE = 128 << 10;

const files = new Map<number, Buffer>();

function fileOf(node: number): Buffer {
  const file = files.get(node) ?? Buffer.alloc(SIZE, node);
  files.set(node, file);
  return file;
}

/** struct fuse_attr, 88 bytes. */
function attributes(node: number): Buffer {
  const bytes = Buffer.alloc(88);
  bytes.writeBigUInt64LE(BigInt(node), 0);
  if (node !== ROOT) bytes.writeBigUInt64LE(BigInt(SIZE), 8);
  bytes.writeUInt32LE(node === ROOT ? 0o40755 : 0o100644, 60);
  bytes.writeUInt32LE(1, 64);
  bytes.writeUInt32LE(4096, 80);
  return bytes;
}

/** @returns what follows the head of the answer, an errno, or undefined if none is wanted */
function answerTo(op: number, node: number, body: Buffer): Buffer | number | undefined {
  switch (op) {
    case OP.init: {
      const bytes = Buffer.alloc(64);
      bytes.writeUInt32LE(7, 0);
      bytes.writeUInt32LE(31, 4);
      bytes.writeUInt16LE(64, 16);
      bytes.writeUInt16LE(64, 18);
      bytes.writeUInt32LE(MAX_WRITE, 20);
      bytes.writeUInt32LE(1, 24);
      return bytes;
    }
    case OP.lookup: {
      const [, digit] = /^disk(\d)\0/.exec(body.toString('latin1')) ?? [];
      if (digit === undefined) return ENOENT;
      const head = Buffer.alloc(40);
      head.writeBigUInt64LE(BigInt(2 + Number(digit)), 0);
      return Buffer.concat([head, attributes(2 + Number(digit))]);
    }
    case OP.getattr:
    case OP.setattr:
      return Buffer.concat([Buffer.alloc(16), attributes(node)]);
    case OP.open: {
      const bytes = Buffer.alloc(16);
      bytes.writeUInt32LE(DIRECT_IO, 8);
      return bytes;
    }
    case OP.opendir:
      return Buffer.alloc(16);
    case OP.read: {
      const [start, length] = [Number(body.readBigUInt64LE(8)), body.readUInt32LE(16)];
      if (BAD >= start && BAD < start + length) return EIO;
      return fileOf(node).subarray(start, start + length);
    }
    case OP.write: {
      const [start, length] = [Number(body.readBigUInt64LE(8)), body.readUInt32LE(16)];
      if (start + length > FULL) return ENOSPC;
      body.copy(fileOf(node), start, 40, 40 + length);
      const bytes = Buffer.alloc(8);
      bytes.writeUInt32LE(length, 0);
      return bytes;
    }
    case OP.statfs:
      return Buffer.alloc(80);
    case OP.release:
    case OP.releasedir:
    case OP.fsync:
      return Buffer.alloc(0);
    case OP.forget:
    case OP.batchForget:
    case OP.interrupt:
      return undefined;
    // FLUSH among them, which every close(2) would wait for, and could not be killed meanwhile (fs/fuse/file.c, fuse_flush).
    default:
      return ENOSYS;
  }
}

const request = Buffer.alloc(MAX_WRITE + 4096 * 2);
for (;;) {
  // Having read no request that it does not answer: who waits for such a one can't be killed (fs/fuse/dev.c, request_wait_answer).
  if (existsSync(FLAG)) process.kill(process.pid, 'SIGSTOP');
  let length: number;
  try {
    length = readSync(FD, request);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // A request that was called off; the file system was unmounted.
    if (code === 'ENOENT' || code === 'EINTR' || code === 'EAGAIN') continue;
    break;
  }
  const op = request.readUInt32LE(4);
  const node = Number(request.readBigUInt64LE(16));
  const outcome = answerTo(op, node, request.subarray(HEAD, length));
  if (outcome === undefined) continue;
  const data = typeof outcome === 'number' ? Buffer.alloc(0) : outcome;
  const answer = Buffer.alloc(ANSWER + data.length);
  answer.writeUInt32LE(answer.length, 0);
  answer.writeInt32LE(typeof outcome === 'number' ? -outcome : 0, 4);
  request.copy(answer, 8, 8, 16);
  data.copy(answer, ANSWER);
  try {
    writeSync(FD, answer);
  } catch {
    // Whoever asked is gone.
  }
}
