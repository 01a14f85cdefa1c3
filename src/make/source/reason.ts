import { LabError } from '../../base/errors.js';
import { withoutCredentials } from './credentials.js';

const PHRASES: Readonly<Record<string, string>> = {
  ENOTFOUND: 'its host name is not known',
  EAI_AGAIN: 'its host name could not be looked up (is there a network?)',
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was reset',
  EHOSTUNREACH: 'its host is not reachable',
  ENETUNREACH: 'its network is not reachable',
  ETIMEDOUT: 'no connection within the time limit',
  UND_ERR_CONNECT_TIMEOUT: 'no connection within the time limit',
  UND_ERR_HEADERS_TIMEOUT: 'it gave no answer within the time limit',
  UND_ERR_BODY_TIMEOUT: 'it stalled: no byte came within the time limit',
  UND_ERR_SOCKET: 'the connection broke off',
  ENOSPC: 'the disk that holds the store is full',
};

/** Why a location failed, in one line. */
export function reasonOf(error: unknown): string {
  if (error instanceof LabError) return oneLine(error.facts.happened);
  for (const link of causes(error)) {
    const phrase = PHRASES[(link as { code?: string }).code ?? ''];
    if (phrase !== undefined) return phrase;
  }
  return oneLine(error instanceof Error ? error.message : String(error));
}

/** The error and what caused it; of several attempts (IPv4 and IPv6) the first counts. */
function causes(error: unknown): unknown[] {
  const found: unknown[] = [];
  let link = error;
  while (link instanceof Error && found.length < 8) {
    found.push(link);
    link = link instanceof AggregateError ? link.errors[0] : link.cause;
  }
  return found;
}

function oneLine(text: string): string {
  return withoutCredentials(text)
    .trim()
    .split(/\s*\n\s*/)
    .join('; ');
}
