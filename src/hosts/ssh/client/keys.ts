/** The keys one may log in with: those an agent holds, and those in files, decrypted only when the host takes one. */
import type { Stats } from 'node:fs';
import type { BaseAgent, ParsedKey } from 'ssh2';
import { UnfitFileError } from '../../../base/files/read-bounded.js';
import { askSecret } from './ask.js';
import { textOf } from './files.js';

export interface KeyOptions {
  /** Paths, in the order to try them. */
  files: readonly string[];
  /** Path of an agent's socket. */
  agent: string | undefined;
  /** Whether of an agent's keys only those are tried whose files are named. */
  onlyFiles: boolean;
  /** Whether a passphrase may be asked for. */
  mayAsk: boolean;
  /** Told of each key that is not used, and why. */
  ignored: (why: string) => void;
}

type Sign = (data: Buffer, hash: string | undefined) => Promise<Buffer>;

interface Identity {
  /** In wire format. */
  publicKey: Buffer;
  sign: Sign;
}

const ASKED = 3;

/**
 * All keys in the order ssh tries them: those of the agent that files are named for, other keys of the agent, then files.
 * @returns what ssh2 takes for an agent
 */
export async function gatherKeys(options: KeyOptions): Promise<BaseAgent> {
  const { BaseAgent } = (await import('ssh2')).default;
  const files = (await Promise.all(options.files.map((path) => fromFile(path, options)))).flat();
  const held = options.agent === undefined ? [] : await fromAgent(options.agent);
  const isNamed = ({ publicKey }: Identity): boolean =>
    files.some((file) => file.publicKey.equals(publicKey));
  const isHeld = ({ publicKey }: Identity): boolean =>
    held.some((other) => other.publicKey.equals(publicKey));
  const identities = [
    ...held.filter(isNamed),
    ...(options.onlyFiles ? [] : held.filter((key) => !isNamed(key))),
    ...files.filter((key) => !isHeld(key)),
  ];
  class Keys extends BaseAgent<Buffer> {
    getIdentities(done: (error?: Error | null, keys?: Buffer[]) => void): void {
      done(
        null,
        identities.map(({ publicKey }) => publicKey),
      );
    }

    sign(
      key: Buffer | ParsedKey,
      data: Buffer,
      how: unknown,
      done?: (e?: Error | null, s?: Buffer) => void,
    ): void {
      const publicKey = Buffer.isBuffer(key) ? key : key.getPublicSSH();
      const identity = identities.find((candidate) => candidate.publicKey.equals(publicKey));
      const { hash } = (typeof how === 'object' ? how : {}) as { hash?: string };
      (identity?.sign(data, hash) ?? Promise.reject(new Error('no such key'))).then(
        (signature) => done?.(null, signature),
        (error) => done?.(error),
      );
    }
  }
  return new Keys();
}

/** An agent that does not answer has no keys. */
async function fromAgent(socket: string): Promise<Identity[]> {
  const { createAgent } = (await import('ssh2')).default;
  const agent = createAgent(socket);
  const keys = await new Promise<Buffer[]>((resolve) => {
    agent.getIdentities((error, found = []) => {
      resolve(error ? [] : found.map((key) => (key as ParsedKey).getPublicSSH()));
    });
  });
  return keys.map((publicKey) => ({
    publicKey,
    sign: (data, hash) =>
      new Promise((resolve, reject) => {
        agent.sign(
          publicKey,
          data,
          hash === undefined ? {} : { hash: hash as 'sha256' },
          (error, signature) => {
            if (error || signature === undefined) reject(error ?? new Error('no signature'));
            else resolve(signature);
          },
        );
      }),
  }));
}

async function fromFile(path: string, { mayAsk, ignored }: KeyOptions): Promise<Identity[]> {
  // As OpenSSH has it: one that is somebody else's was given by him.
  const knownToOthers = ({ uid, mode }: Stats): string | undefined =>
    uid === process.getuid?.() && (mode & 0o077) !== 0
      ? `others may read or write it (chmod 600 ${path})`
      : undefined;
  const text = await textOf(path, { judge: knownToOthers }).catch((error) => {
    if (error instanceof UnfitFileError) ignored(`not ${path}: ${error.reason}`);
    return undefined;
  });
  const published = await textOf(`${path}.pub`).catch(() => undefined);
  if (text === undefined) return [];
  const plain = await parse(text);
  if (plain !== undefined) {
    return [{ publicKey: plain.getPublicSSH(), sign: async (data, hash) => signWith(plain, data, hash) }];
  }
  const publicKey = publicPart(text) ?? (published && Buffer.from(published.split(/\s+/)[1] ?? '', 'base64'));
  if (!publicKey || publicKey.length === 0) return [];
  let unlocked: Promise<ParsedKey> | undefined;
  return [
    {
      publicKey,
      sign: async (data, hash) => {
        unlocked ??= unlock(path, text, mayAsk);
        return signWith(await unlocked, data, hash);
      },
    },
  ];
}

async function unlock(path: string, text: string, mayAsk: boolean): Promise<ParsedKey> {
  for (let tries = 0; mayAsk && tries < ASKED; tries++) {
    const passphrase = await askSecret(`Enter passphrase for key '${path}': `);
    if (passphrase === undefined || passphrase === '') break;
    const key = await parse(text, passphrase);
    if (key !== undefined) return key;
  }
  throw new Error(`no passphrase opens ${path}`);
}

/** Undefined if it is encrypted otherwise, or no key. */
async function parse(text: string, passphrase?: string): Promise<ParsedKey | undefined> {
  const { utils } = (await import('ssh2')).default;
  const found = utils.parseKey(text, passphrase) as ParsedKey | ParsedKey[] | Error;
  const key = Array.isArray(found) ? found[0] : found;
  return key === undefined || key instanceof Error || !key.isPrivateKey() ? undefined : key;
}

function signWith(key: ParsedKey, data: Buffer, hash: string | undefined): Buffer {
  const signature = (key.sign as (data: Buffer, hash?: string) => Buffer | Error)(data, hash);
  if (signature instanceof Error) throw signature;
  return signature;
}

/** The public key that OpenSSH's own format keeps readable beside the encrypted one (PROTOCOL.key). */
function publicPart(text: string): Buffer | undefined {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END/.exec(text)?.[1];
  if (body === undefined) return undefined;
  const bytes = Buffer.from(body, 'base64');
  let at = 'openssh-key-v1\0'.length;
  const next = (): Buffer => {
    const length = bytes.readUInt32BE(at);
    at += 4 + length;
    return bytes.subarray(at - length, at);
  };
  try {
    // Cipher, key derivation and its options; then how many keys follow.
    for (let skipped = 0; skipped < 3; skipped++) next();
    at += 4;
    return next();
  } catch {
    return undefined;
  }
}
