/**
 * KVM or emulation. KVM may be there and yet hang (nested, or forbidden by half): the first guest tries it under a time
 * limit, and how that went is remembered until the next boot of this machine or another QEMU.
 */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { here } from '../host/local.js';
import { cacheFolder } from '../paths.js';
import { readJson, writeJson } from '../source/store/json.js';
import { type Accelerator, QEMU } from './qemu.js';

/** Milliseconds for a guest to be ready by KVM: 2 s are usual. */
const KVM_PATIENCE = 20_000;
const TCG_PATIENCE = 120_000;

interface Remembered {
  key: string;
  works: boolean;
}

/**
 * Boots by whatever works: `boot` is called with an accelerator and the milliseconds it may take, and a second time by
 * emulation if KVM failed or was too slow.
 */
export async function withAccelerator<T>(
  boot: (accelerator: Accelerator, patience: number) => Promise<T>,
  wanted: Accelerator | 'auto' = 'auto',
  device = '/dev/kvm',
): Promise<T> {
  if (wanted === 'tcg') return boot('tcg', TCG_PATIENCE);
  if (wanted === 'kvm') return boot('kvm', TCG_PATIENCE);
  const usable = await access(device, constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  );
  if (!usable) return boot('tcg', TCG_PATIENCE);
  const file = join(cacheFolder(), 'vm', 'kvm.json');
  const key = `${(await here.facts()).bootId} ${(await here.run([QEMU, '--version'])).stdout.split('\n')[0]}`;
  const remembered = await readJson<Remembered>(file);
  const known = remembered?.key === key ? remembered.works : undefined;
  if (known !== false) {
    try {
      const booted = await boot('kvm', KVM_PATIENCE);
      if (known === undefined) await writeJson(file, { key, works: true });
      return booted;
    } catch (error) {
      // One that has worked before failed for a reason of its own.
      if (known) throw error;
    }
  }
  const booted = await boot('tcg', TCG_PATIENCE);
  // Only now: what fails by emulation too is no fault of KVM's.
  if (known === undefined) await writeJson(file, { key, works: false });
  return booted;
}
