import { LabError } from '../../base/errors.js';
import { counted } from '../../base/units.js';
import type { Host } from '../host/host.js';
import { quoteArgv } from '../host/quote.js';
import { type Undone, undoPreparation } from './prepare.js';

/**
 * Undoes what `prepareHost` changed, unless something is exported there.
 * @returns each change, with why it could not be undone, where that failed
 * @throws LabError where there are exports
 */
export async function purgeHost(host: Host): Promise<Undone[]> {
  const exported = await host.list(`${await host.stateFolder()}/exports`);
  if (exported.length === 0) return undoPreparation(host);
  throw new LabError({
    tried: `undoing what was prepared on ${host.name}`,
    happened: `${counted(exported.length, 'export')} ${exported.length === 1 ? 'is' : 'are'} still known there`,
    next: `end them first: ${quoteArgv(['aoe-lab', 'unexport', '--all', ...(host.isHere ? [] : ['--host', host.name])])}`,
  });
}
