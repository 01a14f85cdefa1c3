import { join } from 'node:path';
import { ownHome } from '../../../base/files/own-folders.js';
import { textOf } from './files.js';

/** Names of hosts that ~/.ssh/config has lines for, without those that are patterns. Files that it includes are not read. */
export async function aliases(): Promise<string[]> {
  const text = (await textOf(join(ownHome(), '.ssh', 'config'), { own: true })) ?? '';
  const lines = text.matchAll(/^[ \t]*host[ \t]*[ \t=][ \t]*(.+)$/gim);
  const names = [...lines].flatMap(([, rest = '']) =>
    rest
      .replaceAll('"', ' ')
      .trim()
      .split(/[ \t]+/),
  );
  return [...new Set(names)].filter((name) => /^[\w.-]+$/.test(name));
}
