/** Loop devices, by losetup(8) of util-linux; its --json output is stable. */
import type { Host } from '../host/host.js';

export interface LoopDevice {
  /** `/dev/loop0` */
  device: string;
  /** Backing file as the kernel knows it, absolute; one that was removed ends with ` (deleted)`. */
  file: string;
  /** The same by what it is. */
  id: { dev: string; inode: string };
  readOnly: boolean;
  directIo: boolean;
}

/** The loop devices of the host, or those on one backing file. */
export async function listLoops(host: Host, file?: string): Promise<LoopDevice[]> {
  const columns = ['--json', '--list', '--output', 'NAME,BACK-FILE,BACK-INO,BACK-MAJ:MIN,RO,DIO'];
  const argv = ['losetup', ...columns, ...(file === undefined ? [] : ['--associated', file])];
  const { stdout } = await host.run(argv);
  if (stdout.trim() === '') return [];
  const { loopdevices } = JSON.parse(stdout) as {
    loopdevices: {
      name: string;
      'back-file': string | null;
      'back-ino': number | string;
      'back-maj:min': string;
      ro: boolean;
      dio: boolean;
    }[];
  };
  return loopdevices.map((loop) => ({
    device: loop.name,
    file: loop['back-file'] ?? '',
    id: { dev: loop['back-maj:min'].trim(), inode: String(loop['back-ino']) },
    readOnly: loop.ro,
    directIo: loop.dio,
  }));
}

export interface LoopOptions {
  readOnly: boolean;
  directIo: boolean;
}

/** The command that attaches a file to the first free loop device, and prints the device. */
export function attachCommand(file: string, { readOnly, directIo }: LoopOptions): string[] {
  const access = readOnly ? ['--read-only'] : [];
  return ['losetup', '--find', '--show', `--direct-io=${directIo ? 'on' : 'off'}`, ...access, file];
}

/** Attaches a file to the first free loop device; returns its path. */
export async function attachLoop(host: Host, file: string, options: LoopOptions): Promise<string> {
  const { stdout } = await host.run(attachCommand(file, options));
  return stdout.trim();
}

/** Detaches a loop device; one still open is detached by the kernel when its last user closes it. */
export async function detachLoop(host: Host, device: string): Promise<void> {
  await host.run(['losetup', '--detach', device]);
}
