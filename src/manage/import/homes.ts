import type { Host } from '../../hosts/host/host.js';
import { readIfThere } from '../../hosts/host/if-there.js';

/** Folders of a host's users by their names, passwd(5); that of '' is root's, as who reads a host's configuration at boot. */
export async function readHomes(host: Host): Promise<Map<string, string>> {
  const text = (await readIfThere(host, '/etc/passwd'))?.toString() ?? '';
  const homes = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [name = '', , uid, , , home = ''] = line.split(':');
    if (name === '' || !home.startsWith('/')) continue;
    homes.set(name, home);
    if (uid === '0' && !homes.has('')) homes.set('', home);
  }
  return homes;
}
