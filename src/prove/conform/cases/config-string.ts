import { ConfigCommand, MAX_CONFIG_STRING } from '../../../wire/aoe/index.js';
import type { Probe } from '../probe.js';

/** The longest config string there can be. */
export const LONGEST = `${'x'.repeat(MAX_CONFIG_STRING - 4)}last`;

/** The config string that is there. */
export const has = async (probe: Probe): Promise<string> =>
  probe.configString(await probe.ask(probe.to.config())).toString('latin1');

/** Puts a string there that a case starts from. */
export const put = async (probe: Probe, string: string): Promise<void> => {
  probe.configString(await probe.ask(probe.to.config(ConfigCommand.forceSet, string)));
};
