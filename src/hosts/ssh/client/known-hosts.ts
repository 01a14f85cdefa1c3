/** OpenSSH's files of known host keys (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { keyType } from '../handshake.js';
import { matchesPatterns } from './patterns.js';

export interface KnownHostLine {
  /** From 1. */
  line: number;
  marker: 'revoked' | 'cert-authority' | undefined;
  /** As it stands there: patterns joined by commas, or one hashed name. */
  names: string;
  /** Such as `ssh-ed25519`. */
  type: string;
  /** In wire format. */
  key: Buffer;
}

/** Lines of a file; those that are none of known_hosts' (comments, damaged ones) are passed over, as ssh does. */
export function parseKnownHosts(text: string): KnownHostLine[] {
  return text.split('\n').flatMap((whole, index) => {
    const words = whole.trim().split(/\s+/);
    if (words[0] === '' || words[0]?.startsWith('#')) return [];
    const mark = words[0]?.startsWith('@') ? words.shift() : undefined;
    const [names, type, base64] = words;
    if (names === undefined || type === undefined || base64 === undefined) return [];
    const marker =
      mark === '@revoked' ? 'revoked' : mark === '@cert-authority' ? 'cert-authority' : undefined;
    if (mark !== undefined && marker === undefined) return [];
    const key = Buffer.from(base64, 'base64');
    // The key says its type itself: a line where the two differ is damaged.
    return keyType(key) === type ? [{ line: index + 1, marker, names, type, key }] : [];
  });
}

/** How a host is called in known_hosts: `[host]:port` unless the port is 22. */
export function knownName(host: string, port: number): string {
  return port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`;
}

/** Whether a line is about a host of that name. */
export function isAbout({ names }: Pick<KnownHostLine, 'names'>, name: string): boolean {
  if (!names.startsWith('|')) return matchesPatterns(name, names.split(','));
  const [, version, salt = '', hash = ''] = names.split('|');
  if (version !== '1') return false;
  const expected = Buffer.from(hash, 'base64');
  const found = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest();
  return expected.length === found.length && timingSafeEqual(expected, found);
}
