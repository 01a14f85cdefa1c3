import type { ConformCase } from '../case.js';
import { malformedAta } from './malformed-ata.js';
import { malformedConfig } from './malformed-config.js';
import { malformedFrames } from './malformed-frames.js';
import { malformedLists } from './malformed-lists.js';
import { malformedWrites } from './malformed-write.js';

/** Frames that contradict themselves or end too early. */
export const malformed: ConformCase[] = [
  ...malformedFrames,
  ...malformedConfig,
  ...malformedWrites,
  ...malformedAta,
  ...malformedLists,
];
