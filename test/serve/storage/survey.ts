import type { Host } from '../../../src/hosts/host/host.js';
import { here } from '../../../src/hosts/host/local.js';
import { type BackingSpec, type Judgement, judgeBacking } from '../../../src/serve/storage/backing.js';
import type { Finding } from '../../../src/serve/storage/findings.js';
import { extentOf, usersOf } from '../../../src/serve/storage/in-use.js';
import type { StorageSnapshot } from '../../../src/serve/storage/snapshot.js';
import { surveyStorage } from '../../../src/serve/storage/survey.js';

/** What this machine says of a file, judged. */
export async function judge(name: string, spec: BackingSpec = {}): Promise<Judgement> {
  return judgeBacking(await surveyStorage(here, [name]), name, spec);
}

/** Who uses a file or device on this machine. */
export async function users(name: string, host: Host = here): Promise<Finding[]> {
  const snapshot = await surveyStorage(host, [name]);
  return usersIn(snapshot, name);
}

export function usersIn(snapshot: StorageSnapshot, name: string): Finding[] {
  const facts = snapshot.names.get(name);
  const extent = facts && extentOf(snapshot, facts, 0, Number.MAX_SAFE_INTEGER);
  if (facts === undefined || extent === undefined) throw new Error(`${name} is not there`);
  return usersOf(snapshot, facts, extent, new Set(), new Set());
}
