import type { Probe } from '../probe.js';

/** Frames that are wrong: the target lives on, and nothing on it has changed. */
export const harmless = (build: (probe: Probe) => Buffer[]) => async (probe: Probe) => {
  await probe.untilQuiet(...build(probe));
  await probe.fileUntouched();
  probe.equal(
    probe.configString(await probe.ask(probe.to.config())).length,
    0,
    'length of the config string',
  );
};
