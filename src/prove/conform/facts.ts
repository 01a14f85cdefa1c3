import { LabError } from '../../base/errors.js';
import {
  AtaCommand,
  BROADCAST,
  type Config,
  ConfigCommand,
  decodeIdentify,
  type Identify,
  type Mac,
} from '../../wire/aoe/index.js';
import { unheard } from '../testbed/remote-dut.js';
import type { Dut } from './dut.js';
import { Frames } from './frames.js';
import type { Answer, WireLog } from './wire-log.js';

/** What the suite has to know of a target before its cases. */
export interface Facts {
  /** The target's. */
  mac: Mac;
  config: Config;
  /** Undefined if it can't be identified. */
  identify: Identify | undefined;
  /** What both the target and the wire take. */
  sectorsPerFrame: number;
  /** Whether it answers MAC mask list and reserve/release without an error. */
  masks: boolean;
  reservations: boolean;
}

/** AoE and ATA headers in front of data. */
const HEADERS = 22;
const TRIES = 10;
const WAIT = 200;

/**
 * Asks what the target is.
 * @throws LabError if it answers no plain query
 */
export async function learnFacts(dut: Dut, log: WireLog): Promise<Facts> {
  const { link, main } = dut;
  const first = await ask(log, new Frames(link.mac, BROADCAST, main.address).config(), TRIES);
  if (first?.kind !== 'config') {
    throw new LabError({
      tried: `asking ${dut.implementation} ${dut.release} for its configuration`,
      happened: 'a plain query is not answered, so that nothing else can be tried',
      next:
        dut.target.host === undefined
          ? 'export it by itself, and look at what it prints: aoe-lab logs EXPORT'
          : unheard(dut.target.host),
    });
  }
  const mac = first.ethernet.source;
  const to = new Frames(link.mac, mac, main.address);
  const identified = await ask(log, to.ata({ count: 1, cmdStatus: AtaCommand.identifyDevice }), TRIES);
  // Whatever an earlier life of it has kept is no part of this run.
  await ask(log, to.config(ConfigCommand.forceSet), 1);
  const masks = await ask(log, to.mask(0), 2);
  const reservations = await ask(log, to.reserve(0), 2);
  const fit = Math.floor((link.mtu - HEADERS) / 512);
  return {
    mac,
    config: { ...first.config, string: Buffer.from(first.config.string) },
    identify: identified?.kind === 'ata' ? decodeIdentify(identified.data) : undefined,
    sectorsPerFrame: Math.max(1, Math.min(first.config.sectorCount || 2, fit)),
    masks: masks?.kind === 'mask' && (masks.header.flags & 4) === 0,
    reservations: reservations?.kind === 'reserve' && (reservations.header.flags & 4) === 0,
  };
}

async function ask(log: WireLog, request: Buffer, tries: number): Promise<Answer | undefined> {
  const tag = request.readUInt32BE(20);
  for (let round = 0; round < tries; round++) {
    await log.send(request);
    if (await log.until(() => log.answers(tag).length > 0, WAIT)) break;
  }
  return log.answers(tag)[0];
}
