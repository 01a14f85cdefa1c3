/** One HTTP request with redirects followed and every wait bounded; proxies in the environment are used. */
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Limits } from '../store/limits.js';

export interface Answer {
  status: number;
  headers: Readonly<Record<string, string | undefined>>;
  body: Readable;
  /** Where it came from in the end. */
  url: string;
}

export interface RequestOptions {
  headers: Readonly<Record<string, string>>;
  limits: Limits;
  signal: AbortSignal;
  /** Whether what comes is checked against a digest, so that it may come over any channel. */
  pinned: boolean;
}

/** Its waiting sockets must not keep the process; one is enough for all. */
let dispatcher: Dispatcher | undefined;
let dispatcherLimits: Limits | undefined;

/** @throws Error with the reason; of undici with its `code` */
export async function request(address: string, options: RequestOptions): Promise<Answer> {
  const { limits } = options;
  const undici = await import('undici');
  if (dispatcher === undefined || dispatcherLimits !== limits) {
    dispatcherLimits = limits;
    dispatcher = new undici.EnvHttpProxyAgent({
      connect: { timeout: limits.connect },
      bodyTimeout: limits.stall,
      headersTimeout: limits.answer,
      keepAliveTimeout: 100,
      proxyTls: { timeout: limits.connect },
      // Many proxies tunnel to port 443 alone; plain HTTP is asked for in the old way (RFC 9112, 3.2.2).
      proxyTunnel: false,
    });
  }
  let url = new URL(address);
  for (let hop = 0; hop <= limits.redirects; hop++) {
    // undici bounds connecting and the headers, but not a proxy that takes its time to connect.
    const patience = AbortSignal.timeout(limits.connect + limits.answer);
    const slow = new AbortController();
    const onPatience = (): void => slow.abort(new Error('it gave no answer within the time limit'));
    patience.addEventListener('abort', onPatience, { once: true });
    const answer = await undici.request(url, {
      dispatcher,
      headers: { 'user-agent': 'aoe-lab', 'accept-encoding': 'identity', ...options.headers },
      signal: AbortSignal.any([options.signal, slow.signal]),
    });
    patience.removeEventListener('abort', onPatience);
    const headers = Object.fromEntries(
      Object.entries(answer.headers).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]),
    );
    if (![301, 302, 303, 307, 308].includes(answer.statusCode) || headers.location === undefined) {
      return { status: answer.statusCode, headers, body: answer.body, url: url.href };
    }
    answer.body.once('error', () => {}).destroy();
    url = next(url, headers.location, options.pinned);
  }
  throw new Error(`it redirects more than ${limits.redirects} times`);
}

function next(from: URL, location: string, pinned: boolean): URL {
  const to = new URL(location, from);
  if (to.protocol !== 'http:' && to.protocol !== 'https:')
    throw new Error(`it redirects to ${to.href}, which is no HTTP`);
  if (from.protocol === 'https:' && to.protocol === 'http:' && !pinned) {
    throw new Error(`it redirects from HTTPS to ${to.href}, which anybody on the way could change`);
  }
  return to;
}
