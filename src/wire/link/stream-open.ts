import { rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { LabError, UsageError } from '../../base/errors.js';
import { describePlace, StreamLink, type StreamOptions, type StreamPlace } from './stream.js';

export interface ConnectOptions extends StreamOptions {
  /** Milliseconds to wait for the listener to be there. Default: 5,000. */
  patience?: number | undefined;
}

/** sun_path holds 108 bytes and ends with a zero (unix(7)); on macOS 104. */
const MOST_PATH = process.platform === 'darwin' ? 103 : 107;
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 1000;
const DEFAULT_PATIENCE = 5000;

/**
 * Listens at a place and serves one peer at a time; a second is turned away. When a peer leaves, the next may come.
 * QEMU as the peer: `-netdev stream,id=n,server=off,addr.type=unix,addr.path=PATH`.
 *
 * @returns at once, listening: `connected()` waits for the peer
 * @throws UsageError if the path is too long · LabError if the place is taken or can't be made
 */
export async function listenStream(place: StreamPlace, options: StreamOptions = {}): Promise<StreamLink> {
  const tried = `listening at ${describePlace(place)}`;
  checkPath(place, tried);
  const server = createServer();
  await listen(server, place).catch(async (error: NodeJS.ErrnoException) => {
    // A socket that somebody left behind when killed has nobody who answers.
    if (error.code !== 'EADDRINUSE' || !('path' in place) || !(await isAbandoned(place))) {
      throw new LabError({ tried, happened: error.message, next: 'take another place', cause: error });
    }
    await rm(place.path);
    await listen(server, place);
  });
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const name = describePlace(port === undefined ? place : { port });
  const link = new StreamLink(name, options, () => new Promise((resolve) => server.close(() => resolve())));
  server.on('connection', (socket) => {
    if (link.isConnected) socket.destroy();
    else link.attach(socket);
  });
  return link;
}

/**
 * Connects to a listener, and again whenever it has left and comes back.
 * QEMU as the listener: `-netdev stream,id=n,server=on,addr.type=unix,addr.path=PATH`.
 *
 * @returns connected
 * @throws UsageError if the path is too long · LabError if nobody listens within the patience
 */
export async function connectStream(place: StreamPlace, options: ConnectOptions = {}): Promise<StreamLink> {
  const tried = `connecting to ${describePlace(place)}`;
  checkPath(place, tried);
  const patience = options.patience ?? DEFAULT_PATIENCE;
  const stop = new AbortController();
  const socket = await reach(place, patience, stop.signal);
  if (!(socket instanceof Error)) {
    const link = new StreamLink(describePlace(place), options, async () => stop.abort());
    keepConnected(link, place, socket, stop.signal);
    return link;
  }
  throw new LabError({
    tried,
    happened: `nobody took the connection within ${patience / 1000} s: ${socket.message}`,
    next: 'start the listening side first',
    cause: socket,
  });
}

function keepConnected(link: StreamLink, place: StreamPlace, socket: Socket, signal: AbortSignal): void {
  socket.once('close', () => {
    if (signal.aborted) return;
    void reach(place, Number.POSITIVE_INFINITY, signal).then((next) => {
      if (!(next instanceof Error)) keepConnected(link, place, next, signal);
    });
  });
  if (signal.aborted) socket.destroy();
  else link.attach(socket);
}

/** Tries until somebody takes the connection. @returns why it failed last, if the time is over or it was called off */
async function reach(place: StreamPlace, patience: number, signal: AbortSignal): Promise<Socket | Error> {
  const end = performance.now() + patience;
  for (let pause = FIRST_PAUSE; ; pause = Math.min(LONGEST_PAUSE, pause * 2)) {
    const outcome = await tryOnce(place);
    if (!(outcome instanceof Error) || performance.now() + pause > end) return outcome;
    // Nothing else may be left to do for this process: then it need not wait for a peer.
    const ended = await sleep(pause, false, { signal, ref: patience !== Number.POSITIVE_INFINITY }).catch(
      () => true,
    );
    if (ended) return outcome;
  }
}

function tryOnce(place: StreamPlace): Promise<Socket | Error> {
  return new Promise((resolve) => {
    const socket = connect('path' in place ? { path: place.path } : { port: place.port, host: '127.0.0.1' });
    socket.once('error', resolve);
    socket.once('connect', () => {
      socket.off('error', resolve);
      resolve(socket);
    });
  });
}

function listen(server: Server, place: StreamPlace): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen('path' in place ? { path: place.path } : { port: place.port, host: '127.0.0.1' }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function isAbandoned(place: StreamPlace): Promise<boolean> {
  const outcome = await tryOnce(place);
  if (outcome instanceof Error) return (outcome as NodeJS.ErrnoException).code === 'ECONNREFUSED';
  outcome.destroy();
  return false;
}

function checkPath(place: StreamPlace, tried: string): void {
  if (!('path' in place) || Buffer.byteLength(place.path) <= MOST_PATH) return;
  const happened = `the path has ${Buffer.byteLength(place.path)} bytes, and a Unix socket's at most ${MOST_PATH}`;
  throw new UsageError({ tried, happened, next: 'take a shorter path, in /tmp or $XDG_RUNTIME_DIR' });
}
