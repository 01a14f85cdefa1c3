import type { Undone } from '../../serve/exports/undo.js';

/** What became of the file of an export that ended, to be put behind its id; empty of one that was there before. */
export function describeUndone({ file, path, by }: Undone): string {
  switch (file) {
    case 'removed':
      return ` and removed ${path}`;
    case 'kept':
      return `; ${path} holds data and was kept (--remove-file removes it)`;
    case 'other':
      return `; ${path} was left alone: something else has its name than what was made`;
    case 'gone':
      return `; ${path}, which it made, was gone already`;
    case 'served':
      return `; ${path}, which it made, stays: ${by.join('; ')}`;
    case 'used':
      return `; ${path}, which it made, was kept: ${by.join('; ')}`;
    case 'untouched':
      return '';
  }
}
