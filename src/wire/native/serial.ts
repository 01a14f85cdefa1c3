import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';

/** As many as IDENTIFY DEVICE has room for (ATA-8, words 10 to 19). */
const LENGTH = 20;

/**
 * Serial number of an export: the same for the same file of the same host at the same address, and different for everything
 * else, whatever the paths are.
 * @param facts.machineId that of the host (machine-id(5))
 * @param facts.address "e0.1"
 * @param facts.identity of the file or disk: what stays the same when it is moved, attached anew or the host restarted
 * @returns 20 hexadecimal digits
 */
export function serialFor(facts: { machineId: string; address: string; identity: string }): string {
  const { machineId, address, identity } = facts;
  // Each with its length, so that no two lists of facts are one text. As a digest it gives nothing of them away.
  const text = [machineId, address, identity].map((fact) => `${fact.length}:${fact}`).join(' ');
  return createHash('sha256').update(`aoe-lab serial ${text}`).digest('hex').slice(0, LENGTH);
}

const FILES = ['/etc/machine-id', '/var/lib/dbus/machine-id'];

/** What tells this host from others: its machine-id, or its name where it has none. */
export async function machineId(): Promise<string> {
  for (const file of FILES) {
    const text = (await readFile(file, 'utf8').catch(() => '')).trim();
    // "uninitialized" stands there until the first boot is over.
    if (/^[0-9a-f]{32}$/.test(text)) return text;
  }
  return hostname();
}
