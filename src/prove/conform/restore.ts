import { ConfigCommand, MaskCommand, MaskDirectiveCommand, ReserveCommand } from '../../wire/aoe/index.js';
import type { Probe } from './probe.js';
import type { Answer } from './wire-log.js';

/**
 * Takes back what a case changed: config string, mask list, reservation, backing file.
 * @returns false if the target can't be brought back by requests, so that it has to be made anew
 */
export async function restoreState(probe: Probe): Promise<boolean> {
  const { dut, facts, to } = probe;
  await dut.resetBacking(probe.log.takeTouch());
  try {
    const config = await probe.ask(to.config());
    if (config.kind === 'config' && config.config.string.length > 0) {
      const cleared = await probe.ask(to.config(ConfigCommand.forceSet));
      if (cleared.kind !== 'config' || cleared.config.string.length > 0) {
        const again = await probe.ask(to.config());
        if (again.kind !== 'config' || again.config.string.length > 0) return false;
      }
    }
    if (facts.reservations && !(await clearReservation(probe))) return false;
    return !facts.masks || (await clearMasks(probe));
  } catch {
    return false;
  }
}

async function clearReservation(probe: Probe): Promise<boolean> {
  const { to } = probe;
  const macs = (answer: Answer) => (answer.kind === 'reserve' ? answer.reserve.macs.length : 1);
  if (macs(await probe.ask(to.reserve(ReserveCommand.read))) === 0) return true;
  return macs(await probe.ask(to.reserve(ReserveCommand.forceSet, []))) === 0;
}

async function clearMasks(probe: Probe): Promise<boolean> {
  const { to, own } = probe;
  const listed = await probe.ask(to.mask(MaskCommand.read));
  if (listed.kind !== 'mask') return false;
  // Our own address goes last: without it the target would no longer hear us while others are listed.
  const macs = listed.mask.directives
    .map(({ mac }) => mac)
    .sort((a, b) => Number(a === own) - Number(b === own));
  if (macs.length === 0) return true;
  const directives = macs.map((mac) => ({ dcmd: MaskDirectiveCommand.delete, mac }));
  const edited = await probe.ask(to.mask(MaskCommand.edit, directives));
  if (edited.kind !== 'mask' || edited.mask.directives.length > 0) return false;
  // An answer from before the list is looked at: only another request tells whether we are heard.
  return probe.pulse();
}
