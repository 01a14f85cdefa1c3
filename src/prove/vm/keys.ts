/** Keys of a guest: one by which it shows who it is, one by which it lets us in. */
import { generateKeyPairSync } from 'node:crypto';
import type { utils } from 'ssh2';

const TYPE = 'ssh-ed25519';

export interface GuestKeys {
  host: {
    /** In dropbear's own format (its signkey.c and ed25519.c): type, then private and public half in one string. */
    dropbear: Buffer;
    /** In SSH's wire format (RFC 8709, 4). */
    public: Buffer;
  };
  client: {
    /** PEM, as OpenSSH and ssh2 read it. */
    private: string;
    /** A line of authorized_keys. */
    line: string;
  };
}

export async function makeGuestKeys(): Promise<GuestKeys> {
  const { default: ssh2 } = await import('ssh2');
  const { privateKey } = generateKeyPairSync('ed25519');
  const { d = '', x = '' } = privateKey.export({ format: 'jwk' });
  const [secret, open] = [Buffer.from(d, 'base64url'), Buffer.from(x, 'base64url')];
  const client = readableKeys(ssh2.utils);
  return {
    host: {
      dropbear: Buffer.concat([text(Buffer.from(TYPE)), text(Buffer.concat([secret, open]))]),
      public: Buffer.concat([text(Buffer.from(TYPE)), text(open)]),
    },
    client: { private: client.private, line: client.public },
  };
}

/** ssh2 cuts leading zeros off the public half (its keygen.js), and can't read what it made then: one key in 256. */
function readableKeys({ generateKeyPairSync, parseKey }: typeof utils): { private: string; public: string } {
  for (;;) {
    const keys = generateKeyPairSync('ed25519');
    if (!(parseKey(keys.private) instanceof Error)) return keys;
  }
}

/** A string of SSH (RFC 4251, 5): length, bytes. */
function text(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
