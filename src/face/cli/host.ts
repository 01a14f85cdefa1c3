import type { Command } from 'commander';
import * as add from './host/add.js';
import * as check from './host/check.js';
import * as list from './host/list.js';
import * as prepare from './host/prepare.js';
import * as remove from './host/remove.js';

export function register(program: Command): void {
  const host = program
    .command('host')
    .description('hosts over SSH: names for them, what they are, and getting them ready');
  for (const command of [add, list, check, prepare, remove]) command.register(host);
}
