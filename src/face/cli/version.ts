import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Whether these words ask for the version alone. */
export function isVersionAsked(argv: readonly string[]): boolean {
  return argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V');
}

/** @param root the folder of the package */
export function versionOf(root: string): string {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  return version;
}
