/** Whether what a recipe needs is on this machine: looks at files, starts nothing. */
import { accessSync, constants, readdirSync, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import type { Requirement } from '../recipe/schema.js';

/** A requirement that is not met here. */
export interface Missing {
  kind: 'command' | 'header' | 'file';
  name: string;
  /** The Debian package that brings it. */
  debian: string;
}

/** Those of the requirements that are not met, each once. */
export function missingFor(requires: readonly Requirement[]): Missing[] {
  const missing = new Map<string, Missing>();
  for (const requirement of requires) {
    if (findRequirement(requirement) !== undefined) continue;
    const { kind, name } = nameOf(requirement);
    missing.set(`${kind} ${name}`, { kind, name, debian: requirement.debian });
  }
  return [...missing.values()];
}

/** Path of the file that meets a requirement; undefined if there is none. */
export function findRequirement(requirement: Requirement): string | undefined {
  const { kind, name } = nameOf(requirement);
  switch (kind) {
    case 'command':
      return findCommand(name === 'gcc' ? (compilerWords()[0] as string) : name);
    case 'header':
      return includeFolders()
        .map((folder) => join(folder, name))
        .find(isFile);
    case 'file':
      return isThere(name) ? name : undefined;
  }
}

/** The compiler as `$CC` names it, with its arguments. Default: gcc. */
export function compilerWords(): string[] {
  const words = (process.env.CC ?? '').split(' ').filter((word) => word !== '');
  return words.length > 0 ? words : ['gcc'];
}

/** Path of an executable: looked for in `$PATH`, unless the name has a slash. */
export function findCommand(name: string): string | undefined {
  if (name.includes('/')) return isExecutable(name) ? name : undefined;
  return (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => isAbsolute(folder))
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

/** Where the compiler looks for headers: `$CPATH`, `$C_INCLUDE_PATH`, and the system's folders. */
export function includeFolders(): string[] {
  const { CPATH = '', C_INCLUDE_PATH = '' } = process.env;
  const named = [...CPATH.split(delimiter), ...C_INCLUDE_PATH.split(delimiter)].filter(
    (folder) => folder !== '',
  );
  // Debian and others keep what differs between machines in /usr/include/TRIPLET.
  const triplets = names('/usr/include').filter((name) => /^[a-z0-9_]+-linux-/.test(name));
  return [
    ...named,
    '/usr/local/include',
    ...triplets.map((name) => join('/usr/include', name)),
    '/usr/include',
  ];
}

/** What a requirement asks for. */
export function nameOf(requirement: Requirement): Pick<Missing, 'kind' | 'name'> {
  if ('command' in requirement) return { kind: 'command', name: requirement.command };
  if ('header' in requirement) return { kind: 'header', name: requirement.header };
  return { kind: 'file', name: requirement.file };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return isFile(path);
  } catch {
    return false;
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
