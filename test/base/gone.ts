import { ownMark } from '../../src/base/owner.js';

/** The mark of an owner that is gone: its process id is above the largest that Linux gives. */
export const GONE = `99999999-1-${(await ownMark()).split('-')[2]}`;
