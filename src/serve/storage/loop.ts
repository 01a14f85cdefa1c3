/** Loop devices, by losetup(8) of util-linux or busybox, and sysfs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../base/files/paths.js';
import type { Host } from '../../hosts/host/host.js';
import { sameFile } from './snapshot.js';

export interface LoopDevice {
  /** `/dev/loop0` */
  device: string;
  /** Backing file as the kernel knows it, absolute; one that was removed ends with ` (deleted)`. */
  file: string;
  /** The same by what it is; undefined where losetup(8) does not tell it and the path does not lead there. */
  id: { dev: string; inode: string } | undefined;
  readOnly: boolean;
  directIo: boolean;
  /** It shows a part of the file only. */
  isPart: boolean;
}

let functions: string | undefined;

/** Functions of the shell: `file_id`, `loops` and `attach`; persistent loop devices are attached by the same. */
export function loopFunctions(): string {
  functions ??= readFileSync(join(packageRoot, 'templates', 'loops.sh'), 'utf8');
  return functions;
}

/** `$1`: a file, or nothing. Each device ends with NUL: paths may hold lines. */
const LIST = `
[ $# -eq 0 ] || printf 'of %s\\0' "$(file_id "$1" 2> /dev/null)"
found=$(loops) || exit 1
[ -z "$found" ] || echo "$found" | while read -r device inode number; do
  at=/sys/block/\${device##*/}
  direct=0
  { read -r ro < "$at/ro" && read -r offset < "$at/loop/offset" && read -r limit < "$at/loop/sizelimit"; } 2> /dev/null || continue
  { read -r direct < "$at/loop/dio"; } 2> /dev/null
  printf '%s %s %s %s %s %s %s ' "$device" "$inode" "$number" "$ro" "$direct" "$offset" "$limit"
  printf '%s\\0' "$(cat "$at/loop/backing_file")"
done`;

/** The loop devices of the host, or those on one backing file. */
export async function listLoops(host: Host, file?: string): Promise<LoopDevice[]> {
  const script = `${loopFunctions()}${LIST}`;
  const { stdout } = await host.run(['sh', '-c', script, 'sh', ...(file === undefined ? [] : [file])]);
  const [first = '', ...rest] = stdout.split('\0');
  const lines = file === undefined ? [first, ...rest] : rest;
  const loops = lines.flatMap((line) => {
    const match = /^(\/dev\/\S+) (\S+) (\S+) (\d+) (\d+) (\d+) (\d+) (.*)$/s.exec(line);
    if (match === null) return [];
    const [, device, inode, dev, ro, direct, offset, limit, behind] = match as unknown as string[] & {
      length: 9;
    };
    const loop: LoopDevice = {
      device: device as string,
      file: behind as string,
      id: inode === '-' ? undefined : { dev: dev as string, inode: inode as string },
      readOnly: ro === '1',
      directIo: direct === '1',
      isPart: offset !== '0' || limit !== '0',
    };
    return [loop];
  });
  if (file === undefined) return loops;
  const [, inode, dev] = /^of (\d+) (\S+)$/.exec(first) ?? [];
  const wanted = inode === undefined || dev === undefined ? undefined : { inode, dev };
  return loops.filter((loop) => loop.file === file || sameFile(loop.id, wanted));
}

export interface LoopOptions {
  readOnly: boolean;
  directIo: boolean;
}

/** The command that attaches a file to the first free loop device, and prints the device, as a person would type it. */
export function attachCommand(file: string, { readOnly, directIo }: LoopOptions): string[] {
  const access = readOnly ? ['--read-only'] : [];
  return ['losetup', '--find', '--show', `--direct-io=${directIo ? 'on' : 'off'}`, ...access, file];
}

/** Arguments of `attach` but for the file. */
export function attachWords({ readOnly, directIo }: LoopOptions): string[] {
  return [directIo ? 'on' : 'off', readOnly ? '-r' : ''];
}

/**
 * Attaches a file to the first free loop device; returns its path.
 * @param path what it has to be, links resolved, where somebody else could put another one in its place
 */
export async function attachLoop(
  host: Host,
  file: string,
  options: LoopOptions,
  path?: string,
): Promise<string> {
  const words = [...attachWords(options), file, ...(path === undefined ? [] : [path])];
  const argv = ['sh', '-c', `${loopFunctions()}attach "$@"`, 'losetup', ...words];
  const { stdout } = await host.run(argv);
  return stdout.trim();
}

/** Detaches a loop device; one still open is detached by the kernel when its last user closes it. */
export async function detachLoop(host: Host, device: string): Promise<void> {
  await host.run(['losetup', '-d', device]);
}
