/** Where set-ups that others made lie on a host, and how each is read. */
import { posix } from 'node:path';
import type { Host } from '../../host/host.js';
import { listInterfaces } from '../../host/interface.js';
import { type Found, normalMac } from './found.js';
import { parseGgaoed } from './ggaoed.js';
import { parseKvblade } from './kvblade.js';
import { parseQaoed } from './qaoed.js';
import { parseVblade } from './vblade.js';

export const IMPORTABLE = ['vblade', 'ggaoed', 'qaoed', 'kvblade'] as const;
export type Importable = (typeof IMPORTABLE)[number];

/** Debian's package; the CONFIG_LOCATION of ggaoed and CFGFILE of qaoed as distributions set them; the module's folder. */
export const PLACES: Readonly<Record<Importable, string>> = {
  vblade: '/etc/vblade.conf.d',
  ggaoed: '/etc/ggaoed.conf',
  qaoed: '/etc/qaoed.conf',
  kvblade: '/sys/kvblade',
};

/**
 * Reads one set-up.
 * @param path file or folder
 * @returns undefined if there is nothing
 */
export async function readSetup(host: Host, from: Importable, path: string): Promise<Found | undefined> {
  const facts = await host.stat(path);
  if (facts === undefined) return undefined;
  switch (from) {
    case 'vblade': {
      const isFolder = facts.kind === 'directory';
      const names = isFolder ? (await host.list(path)).filter((name) => name.endsWith('.conf')) : [''];
      const files = names.map((name) => posix.join(path, name));
      const found = await Promise.all(files.map(async (file) => parseVblade(file, await textOf(host, file))));
      return {
        exports: found.flatMap(({ exports }) => exports),
        remarks: found.flatMap(({ remarks }) => remarks),
      };
    }
    case 'ggaoed': {
      const interfaces = (await listInterfaces(host)).filter(({ type }) => type === 'ether');
      return parseGgaoed(path, await textOf(host, path), {
        interfaces: interfaces.map(({ name }) => name),
        ethers: parseEthers(await textOf(host, '/etc/ethers').catch(() => '')),
      });
    }
    case 'qaoed':
      return parseQaoed(path, await textOf(host, path));
    case 'kvblade': {
      const names = (await host.list(path)).filter((name) => name.includes('@'));
      const devices = names.map(async (name) => ({
        name,
        bpath: await textOf(host, posix.join(path, name, 'bpath')).catch(() => ''),
      }));
      return parseKvblade(path, await Promise.all(devices));
    }
  }
}

/** Lines of a MAC address and a name, ethers(5). */
export function parseEthers(text: string): Map<string, string> {
  const names = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [address = '', name] = line.replace(/#.*/, '').trim().split(/\s+/);
    const mac = normalMac(address);
    if (mac !== undefined && name !== undefined) names.set(name, mac);
  }
  return names;
}

async function textOf(host: Host, path: string): Promise<string> {
  return (await host.read(path)).toString();
}
