/** Parsers of option values, shared by the commands. Each throws what commander shows as a wrong use. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { UsageError } from '../../base/errors.js';
import type { Host } from '../../hosts/host/host.js';
import type { Place } from '../../prove/testbed/place.js';
import type { Site } from '../../prove/testbed/remote-dut.js';
import type { EndFinding } from '../../serve/exports/unexport.js';
import { type Mac, parseMac, unusableAsSource } from '../../wire/aoe/ethernet.js';
import type { Listing } from '../complete/wanted.js';

/** A parser of whole numbers, both bounds allowed. */
export function whole(least: number, most = Number.MAX_SAFE_INTEGER): (value: string) => number {
  const isOpen = most === Number.MAX_SAFE_INTEGER;
  const bounds = !isOpen ? ` from ${least} to ${most}` : least === 0 ? '' : ` of ${least} or more`;
  return (value) => {
    const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
    if (number >= least && number <= most) return number;
    throw new InvalidArgumentError(`expected a whole number${bounds}.`);
  };
}

/** Of commands that build what they fetch. */
export const UNPINNED = [
  '--unpinned',
  'build a source for which neither a pinned digest nor TLS vouches',
] as const;

export const integer = whole(0);
/** Of a private wire: a sector has to fit behind the headers, and a veth takes no more. */
export const wireMtu = whole(534, 65535);
/** Hosts at once: each takes a connection, and descriptors. */
export const MOST_PARALLEL = 1000;
/** The longest that a timer takes. */
export const MOST_MILLISECONDS = 2 ** 31 - 1;

/** `e0.1` → shelf and slot. */
export function address(value: string): { shelf: number; slot: number } {
  const match = /^e?(\d+)\.(\d+)$/.exec(value);
  if (match === null) throw new InvalidArgumentError('expected an address such as e0.1 (shelf 0, slot 1).');
  return { shelf: Number(match[1]), slot: Number(match[2]) };
}

/** Collects MAC addresses from a repeatable option, each a list joined by commas; normalised to 00:11:22:33:44:55. */
export function macs(value: string, before: string[] = []): string[] {
  const found = value.split(',').map((text) => {
    const digits = text.trim().replaceAll(/[:.-]/g, '').toLowerCase();
    if (!/^[0-9a-f]{12}$/.test(digits)) {
      throw new InvalidArgumentError(`"${text}" is no MAC address such as 00:11:22:33:44:55.`);
    }
    const why = unusableAsSource(Number.parseInt(digits, 16));
    if (why !== undefined) throw new InvalidArgumentError(`"${text}" admits nobody: ${why}.`);
    return (digits.match(/../g) as string[]).join(':');
  });
  return [...before, ...found];
}

/** A parser that collects findings to override, each a list joined by commas. */
export function findingsOf<K extends string>(
  kinds: readonly K[],
): ((value: string, before?: K[]) => K[]) & Listing {
  const parse = (value: string, before: K[] = []): K[] => {
    const found = value.split(',').map((text) => {
      const kind = kinds.find((known) => known === text.trim());
      if (kind === undefined) throw new InvalidArgumentError(`"${text}" is none of ${kinds.join(', ')}.`);
      return kind;
    });
    return [...before, ...found];
  };
  return Object.assign(parse, { values: kinds });
}

const ENDED_ALL_THE_SAME = ['used', 'removed'] as const satisfies readonly EndFinding[];

/** Of commands that end exports. */
export function withAllowedEnds(command: Command): Command {
  return command
    .option(
      '--allow <FINDING>',
      'end all the same (repeatable, or joined by commas): used (an initiator used it in the last 30 s), removed (it alone keeps its file)',
      findingsOf(ENDED_ALL_THE_SAME),
    )
    .option('--force', 'end whatever speaks against it');
}

export interface EndOptions {
  allow?: EndFinding[];
  force?: boolean;
}

export function allowedEnds({ allow = [], force }: EndOptions): true | EndFinding[] {
  return force ? true : allow;
}

/** A station's MAC address, as a number. */
export function station(value: string): Mac {
  const mac = parseMac(value);
  if (mac === undefined) throw new InvalidArgumentError('expected a MAC address such as 00:11:22:33:44:55.');
  return mac;
}

/** What `-` stands for: standard input or output. @returns undefined for it, and for none */
export function fileOrStream(value: string | undefined): string | undefined {
  return value === '-' ? undefined : value;
}

/** Collects the values of a repeatable option. */
export function several(value: string, before: string[] = []): string[] {
  return [...before, value];
}

/** What `--kernel` of the commands that boot guests takes. */
export const KERNEL_OF_GUESTS = "of the guests: 5.10, 6.1, 6.12, unstable, host, or an image's path";

/** Where a target is tried. */
export function targetOption(): Option {
  const option = new Option('--target <WHERE>', 'where the target runs (modules: vm, others: here)');
  return option.choices(['here', 'vm']);
}

/** Of commands that try a target on a host over SSH. */
export interface SiteOptions {
  iface?: string;
  wire?: string;
}

/** Where a target on a host over SSH is exported, and heard. */
export function siteOptions(command: Command): Command {
  return command
    .option('--iface <IF>', 'interface of the host, for frames')
    .option('--wire <IF>', "interface of this machine that is on the same segment as the host's --iface");
}

/**
 * The interfaces of a site.
 * @param hosts that were named; undefined: none was
 * @throws UsageError if one of them is missing, or they are named for no host
 */
export function siteInterfaces(
  tried: string,
  hosts: string | undefined,
  { iface, wire }: SiteOptions,
): { iface: string; wire: string } | undefined {
  if (hosts === undefined && iface === undefined && wire === undefined) return undefined;
  if (hosts !== undefined && iface !== undefined && wire !== undefined) return { iface, wire };
  const lacking = [iface === undefined ? '--iface' : '', wire === undefined ? '--wire' : ''].filter(Boolean);
  throw new UsageError({
    tried,
    happened:
      hosts === undefined
        ? '--iface and --wire are for hosts, and none is named'
        : `${lacking.join(' and ')} ${lacking.length > 1 ? 'are' : 'is'} missing`,
    next: 'a host, --iface IF (of the host) and --wire IF (of this machine, on the same segment) go together',
  });
}

/** Why targets are not tried on this machine as on a host. */
export const NOT_HERE = '--host is for hosts over SSH; this machine does not hear itself on an interface';

/** A host that targets are tried on. */
export async function siteOn(host: Host, interfaces: { iface: string; wire: string }): Promise<Site> {
  const { noteRecovery } = await import('../ui/recovery.js');
  return { host, ...interfaces, onRecovery: (recovery) => noteRecovery(recovery, host.name) };
}

/** What `--target` means. */
export function placeOption(target: 'here' | 'vm' | undefined): Place | undefined {
  return target === 'vm' ? 'guest' : target;
}
