/** The native target as a process of its own in a test's namespace. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { programsFolder } from '../../../src/base/files/paths.js';
import { buildFrame, type Frame, parseFrame } from '../../../src/wire/aoe/index.js';
import type { Link } from '../../../src/wire/link/link.js';
import { openPacketLink } from '../../../src/wire/link/packet.js';
import type { TestWire } from './wire.js';

const MAIN = join(programsFolder, 'native.cjs');

export interface NativeProcess {
  child: ChildProcess;
  folder: string;
  /** All that it said so far. */
  said(): string;
  /** Resolves when it has said something. */
  says(what: RegExp): Promise<void>;
  kill(signal: NodeJS.Signals): Promise<number | null>;
}

/** Starts it, and resolves when it serves so many exports, or has told why not. @param wanted all otherwise */
export async function startNative(
  t: ExecutionContext,
  wire: Pick<TestWire, 'netns' | 'folder'>,
  settings: { exports: readonly object[]; ring?: boolean; uring?: boolean },
  wanted = settings.exports.length,
): Promise<NativeProcess> {
  const folder = join(wire.folder, 'native');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'native.json'), JSON.stringify(settings));
  const argv = ['netns', 'exec', wire.netns, process.execPath, MAIN, '-c', join(folder, 'native.json')];
  // As the recipe starts it.
  const env = { ...process.env, UV_THREADPOOL_SIZE: '128' };
  const child = spawn('ip', argv, { stdio: ['ignore', 'ignore', 'pipe'], env });
  t.teardown(() => child.kill('SIGKILL'));
  let said = '';
  await new Promise<void>((resolve, reject) => {
    child.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if ((said.match(/ sectors$/gm) ?? []).length >= wanted) resolve();
    });
    child.once('exit', (code) => reject(new Error(`it ended with ${code}: ${said}`)));
  });
  return {
    child,
    folder,
    said: () => said,
    says: async (what) => {
      while (!what.test(said)) await once(child.stderr as NodeJS.ReadableStream, 'data');
    },
    kill: async (signal) => {
      const over = once(child, 'exit');
      child.kill(signal);
      const [code] = (await over) as [number | null];
      return code;
    },
  };
}

/** Sends frames and gathers answers by their tags; nothing is sent twice. */
export class Asker {
  readonly link: Link;
  readonly #waiting = new Map<number, (frame: Frame) => void>();
  #tag = 0;

  constructor(link: Link) {
    this.link = link;
    link.onFrame = (bytes) => {
      const frame = parseFrame(Buffer.from(bytes));
      if (frame.kind === 'fault') return;
      const { tag } = frame.header;
      this.#waiting.get(tag)?.(frame);
      this.#waiting.delete(tag);
    };
  }

  static async open(t: ExecutionContext, wire: TestWire): Promise<Asker> {
    const link = await openPacketLink({ iface: wire.initiator, netns: wire.netns });
    t.teardown(() => link.close());
    return new Asker(link);
  }

  /** Requests that were not answered. */
  get unanswered(): number {
    return this.#waiting.size;
  }

  ask(frame: Frame): Promise<Frame> {
    this.#tag++;
    const tag = this.#tag;
    const answer = new Promise<Frame>((resolve) => this.#waiting.set(tag, resolve));
    this.link.send(buildFrame({ ...frame, header: { ...frame.header, tag } }));
    return answer;
  }
}
