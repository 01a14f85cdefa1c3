import type { ConformCase } from '../case.js';
import { addressing } from './addressing.js';
import { announcementCases } from './announcements.js';
import { ata28 } from './ata-28.js';
import { ata48 } from './ata-48.js';
import { concurrency } from './concurrency.js';
import { config } from './config.js';
import { directed } from './directed.js';
import { errors } from './errors.js';
import { flushes } from './flush.js';
import { header } from './header.js';
import { identify } from './identify.js';
import { limits } from './limits.js';
import { malformed } from './malformed.js';
import { masks } from './masks.js';
import { persistence } from './persistence.js';
import { reserve } from './reserve.js';
import { retransmission } from './retransmission.js';
import { vlan } from './vlan.js';

/** All cases, in the order in which they run. */
export const CASES: readonly ConformCase[] = [
  ...header,
  ...addressing,
  ...directed,
  ...vlan,
  ...config,
  ...ata28,
  ...ata48,
  ...identify,
  ...flushes,
  ...limits,
  ...masks,
  ...reserve,
  ...errors,
  ...malformed,
  ...retransmission,
  ...concurrency,
  ...announcementCases,
  ...persistence,
];
