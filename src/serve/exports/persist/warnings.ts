/** What a reboot may take from an export that is to come back after it, though nothing of it is wrong now. */
import type { NetworkFiles } from '../../../hosts/at-boot/survey.js';
import { bootWarnings } from '../../../hosts/at-boot/warnings.js';
import type { InterfaceFacts } from '../../../hosts/host/interface-facts.js';
import type { ExportEntry } from '../entry.js';

/** Below these a person or a version manager keeps what others must not rely on. */
const PRIVATE = /^\/(?:home|root|Users)\/|\/\.?(?:nvm|fnm|volta|asdf|mise|nodenv|n)\//;

/** @param files of its host, asked for where they matter */
export async function persistenceWarnings(
  entry: ExportEntry,
  iface: InterfaceFacts | undefined,
  files: () => Promise<NetworkFiles>,
): Promise<string[]> {
  if (!entry.persist) return [];
  const node = nodeWarning(entry.node);
  const ours = entry.links?.find(({ name }) => name === iface?.name);
  const network = iface === undefined ? [] : bootWarnings(await files(), iface, ours);
  return [...network, ...(node === undefined ? [] : [node])];
}

/** @param node its path on the host */
function nodeWarning(node: string | undefined): string | undefined {
  if (node === undefined || !PRIVATE.test(node)) return undefined;
  return `its node is ${node}: when that is removed, as version managers do at an upgrade, the export does not start; have a node of the system's, then aoe-lab restart --upgrade`;
}
