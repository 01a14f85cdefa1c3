/** Whether a host's key is the one known: always asked, before anything else is said to the host. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { MissingError, UsageError } from '../../../base/errors.js';
import { openTrusted } from '../../../base/files/open-trusted.js';
import { keyType } from '../handshake.js';
import type { HostTrust } from '../options.js';
import { textOf } from './files.js';
import { isAbout, type KnownHostLine, knownName, parseKnownHosts } from './known-hosts.js';

export interface TrustOptions {
  /** How messages call the host. */
  name: string;
  /** What it is looked up by: HostKeyAlias or HostName. */
  host: string;
  port: number;
  /** Whether `host` is an alias, which stands for the port too. */
  isAlias: boolean;
  /** The first one receives new keys. */
  userFiles: readonly string[];
  globalFiles: readonly string[];
  /** Whether the key of a host that is not known at all is taken and kept. */
  acceptNew: boolean;
}

interface Found extends KnownHostLine {
  file: string;
}

/** @throws MissingError if all that is known of the host is an authority for certificates, which we can't judge */
export async function readTrust(options: TrustOptions): Promise<HostTrust> {
  const { name, host, port, isAlias, userFiles, globalFiles, acceptNew } = options;
  const files = [...new Set([...userFiles, ...globalFiles])];
  const lines: Found[] = [];
  for (const file of files) {
    for (const line of parseKnownHosts((await textOf(file, { own: true })) ?? ''))
      lines.push({ ...line, file });
  }
  const ownName = isAlias ? host.toLowerCase() : knownName(host, port);
  const about = lines.filter((line) => isAbout(line, ownName));
  // As ssh does: a key known for the host at port 22 is as good at another port.
  const elsewhere = isAlias || port === 22 ? [] : lines.filter((line) => isAbout(line, host.toLowerCase()));
  const revoked = [...about, ...elsewhere].filter(({ marker }) => marker === 'revoked');
  const known = about.filter(({ marker }) => marker === undefined);
  const authorities = about.filter(({ marker }) => marker === 'cert-authority');
  const tried = `checking the host key of ${name}`;

  const authority = authorities[0];
  if (known.length === 0 && authority !== undefined && !acceptNew) {
    throw new MissingError({
      tried,
      happened: `${authority.file}:${authority.line} knows it by an authority for certificates, which aoe-lab can not check`,
      next: 'have --accept-new take the key that it shows, after comparing it with what the host says itself: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub',
      missing: ['known host key'],
    });
  }
  const changed = (shown: string): MissingError => {
    const [first] = known;
    return new MissingError({
      tried,
      happened: [
        'THE HOST KEY HAS CHANGED: it was set up anew, or somebody stands between you and it',
        `it shows ${shown}`,
        ...known.map((line) => `${line.file}:${line.line} knows ${line.type} ${fingerprint(line.key)}`),
      ],
      next: [
        'ask whoever runs the host for the fingerprint of its key',
        `only if it is right: ssh-keygen -R '${ownName}' -f ${first?.file}, then --accept-new`,
      ],
      missing: ['known host key'],
    });
  };
  return {
    types: [...new Set(known.map(({ type }) => type))],
    otherType: () => changed('no key of the types known'),
    judge: async (key) => {
      const type = keyType(key) ?? 'unknown';
      const shown = `${type} ${fingerprint(key)}`;
      const bad = revoked.find((line) => line.key.equals(key));
      if (bad !== undefined) {
        throw new MissingError({
          tried,
          happened: `its key ${shown} is revoked by ${bad.file}:${bad.line}`,
          next: 'do not log in there; ask whoever runs the host for a new key',
          missing: ['known host key'],
        });
      }
      if (known.some((line) => line.key.equals(key))) return;
      if (known.length > 0) throw changed(shown);
      if (elsewhere.some((line) => line.marker === undefined && line.key.equals(key))) return;
      if (!acceptNew) {
        throw new MissingError({
          tried,
          happened: `the host is not known; it shows ${shown}`,
          next: [
            `compare it with what the host itself says, at its console or by whoever runs it: ${ownFingerprint(type)}`,
            'only if it is the same: --accept-new takes it and keeps it',
          ],
          missing: ['known host key'],
        });
      }
      const [file] = userFiles;
      if (file !== undefined) await keep(file, `${ownName} ${type} ${key.toString('base64')}\n`);
    },
  };
}

/** As ssh shows it. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** The command that shows a host's own key, on it, by the name that sshd gives the file. */
function ownFingerprint(type: string): string {
  const kind = type.replace(/^ssh-|^ecdsa.*/, (found) => (found === 'ssh-' ? '' : 'ecdsa'));
  return `ssh-keygen -lf /etc/ssh/ssh_host_${kind}_key.pub`;
}

/**
 * One write at the end of the file: others that add theirs at the same time lose nothing, and half a line is never there.
 * A link of the user's own is followed, as to a folder where he keeps such files.
 * @throws UsageError if the file is somebody else's
 */
async function keep(file: string, line: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const handle = await openToAdd(file);
  try {
    const facts = await handle.stat();
    // Such as /dev/null, for those who want none kept.
    if (facts.isCharacterDevice()) return;
    if (!facts.isFile() || (facts.uid !== 0 && facts.uid !== process.geteuid?.())) {
      throw new UsageError({
        tried: `keeping a host key in ${file}`,
        happened: facts.isFile() ? `it is user ${facts.uid}'s` : 'it is no file',
        next: 'name another by UserKnownHostsFile',
      });
    }
    const last = Buffer.alloc(1);
    if (facts.size > 0) await handle.read(last, 0, 1, facts.size - 1);
    const start = facts.size === 0 || last.toString() === '\n' ? '' : '\n';
    await handle.write(start + line);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function openToAdd(file: string): Promise<FileHandle> {
  const flags = constants.O_RDWR | constants.O_APPEND | constants.O_NONBLOCK;
  const there = await openIfAny(file, flags);
  if (there !== undefined) return there;
  try {
    // Where a link leads nowhere, nothing is made there.
    return await open(file, flags | constants.O_CREAT | constants.O_EXCL, 0o600);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    // Another host's key may have come first.
    const made = await openIfAny(file, flags);
    if (made !== undefined) return made;
    throw new UsageError({
      tried: `keeping a host key in ${file}`,
      happened: 'it is a link that leads nowhere',
      next: 'make the file that it leads to, or name another by UserKnownHostsFile',
      cause,
    });
  }
}

async function openIfAny(file: string, flags: number): Promise<FileHandle | undefined> {
  try {
    return await openTrusted(file, flags);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return undefined;
  }
}
