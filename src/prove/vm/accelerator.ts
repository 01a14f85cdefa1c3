/**
 * KVM or emulation. KVM may be there and yet hang (nested, or forbidden by half): the first guest tries it under a time
 * limit, and how that went is remembered until the next boot of this machine or another QEMU.
 */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../../base/files/paths.js';
import { here } from '../../hosts/host/local.js';
import { readJson, writeJson } from '../../make/store/json.js';
import { BootError } from './process.js';
import { type Accelerator, type Processors, QEMU } from './qemu.js';

/** Milliseconds for a guest to be ready by KVM: 2 s are usual. */
const KVM_PATIENCE = 20_000;
const TCG_PATIENCE = 120_000;

interface Remembered {
  key: string;
  works: boolean;
}

/** @param patience milliseconds */
type Boot<T> = (processors: Processors, patience: number) => Promise<T>;

/** Boots by whatever works: by emulation if KVM failed or was too slow, and in turns if emulation failed as well. */
export async function withAccelerator<T>(
  boot: Boot<T>,
  wanted: Accelerator | 'auto' = 'auto',
  device = '/dev/kvm',
): Promise<T> {
  if (wanted === 'tcg') return emulated(boot);
  if (wanted === 'kvm') return boot('kvm', TCG_PATIENCE);
  const usable = await access(device, constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  );
  if (!usable) return emulated(boot);
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
  const booted = await emulated(boot);
  // Only now: what fails by emulation too is no fault of KVM's.
  if (known === undefined) await writeJson(file, { key, works: false });
  return booted;
}

/** A kernel that boots on processors with a thread each oopses or hangs now and then (seen with 6.1 and 7.2). */
async function emulated<T>(boot: Boot<T>): Promise<T> {
  try {
    return await boot('tcg', TCG_PATIENCE);
  } catch (error) {
    if (!(error instanceof BootError)) throw error;
    return boot('tcg-in-turns', TCG_PATIENCE);
  }
}
