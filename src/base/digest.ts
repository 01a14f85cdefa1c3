import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

export type DigestAlgorithm = 'md5' | 'sha256' | 'sha512';

/** Digest of some bytes, as lower-case hex. */
export function digestOf(data: string | Uint8Array, algorithm: DigestAlgorithm = 'sha256'): string {
  return createHash(algorithm).update(data).digest('hex');
}

/** Digest of a file's content, as lower-case hex. */
export async function digestOfFile(path: string, algorithm: DigestAlgorithm = 'sha256'): Promise<string> {
  const hash = createHash(algorithm);
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
