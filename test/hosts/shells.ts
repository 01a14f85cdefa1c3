import { findCommand } from '../../src/make/compile/requirements.js';

/** Shells that a host's `sh` may be, as far as they are here: the words of each before `-c`. */
export const SHELLS = [['dash'], ['bash'], ['busybox', 'sh']].filter(
  ([program = '']) => findCommand(program) !== undefined,
);
