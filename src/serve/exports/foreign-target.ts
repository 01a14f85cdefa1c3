/** A target that somebody else runs on a host, as its command line, its configuration and its control group tell; no I/O. */
import { posix } from 'node:path';
import { parseJson } from '../../base/json.js';
import { quoteArgv } from '../../hosts/host/quote.js';
import { type Address, formatAddress } from '../../wire/aoe/index.js';

/** A process that holds a packet socket for AoE. */
export interface SocketOwner {
  pid: number;
  argv: string[];
  /** Its working folder. */
  cwd: string;
  /** Text of /proc/PID/cgroup. */
  cgroup: string;
  /** Value of our mark in its environment, if it bears one. */
  mark: string | undefined;
  /** Interfaces that its sockets are bound to, by index; 0 stands for all. */
  interfaces: number[];
}

export interface ForeignTarget extends SocketOwner {
  /** What it serves; undefined if that can't be known, so that it may be anything. */
  addresses: Address[] | undefined;
}

/** Programs that ask rather than answer. */
const INITIATORS = /^(aoe(ping|cfg|-.*)|nmap|tcpdump|tshark|dumpcap|wireshark|aoe-lab)$/;
/** Of the command line of this package, with its links and where it lies. */
const OWN_COMMAND = /(^|\/)aoe-lab(\.cjs)?$/;
/** Its target, the later word as before there were programs of one file. */
const NATIVE = /(^|\/)native(\.cjs|\/main\.js)$/;
/** Where these daemons look for their configuration when they are told no place. */
const DEFAULT_CONFIGS: Readonly<Record<string, string>> = {
  ggaoed: '/etc/ggaoed.conf',
  qaoed: '/etc/qaoed.conf',
};

/** Whether a process is known to ask only. */
export function isInitiator({ argv }: Pick<SocketOwner, 'argv'>): boolean {
  return INITIATORS.test(programOf(argv)) || argv.slice(0, 2).some((word) => OWN_COMMAND.test(word));
}

/** The file that tells what a process serves; undefined if its command line does. */
export function configOf({ argv, cwd }: Pick<SocketOwner, 'argv' | 'cwd'>): string | undefined {
  const program = programOf(argv);
  const isNative = argv.some((word) => NATIVE.test(word));
  if (!isNative && DEFAULT_CONFIGS[program] === undefined) return undefined;
  const short = argv.findIndex((word) => word === '-c' || word === '--config');
  const joined = argv.map((word) => /^(?:--config=|-c(?=.))(.+)$/.exec(word)?.[1]).find(Boolean);
  const path = (short < 0 ? joined : argv[short + 1]) ?? DEFAULT_CONFIGS[program];
  return path === undefined ? undefined : posix.resolve(cwd, path);
}

/** @param config text of the file that `configOf` names; undefined if there is none, or it can't be read */
export function addressesOf({ argv }: Pick<SocketOwner, 'argv'>, config?: string): Address[] | undefined {
  if (argv.some((word) => NATIVE.test(word))) return nativeAddresses(config);
  switch (programOf(argv)) {
    case 'ggaoed':
      return config === undefined ? undefined : ggaoedAddresses(config);
    case 'qaoed':
      return config === undefined ? undefined : qaoedAddresses(config);
    case 'sqaoed':
      return operands(argv.slice(argv.findIndex((word) => /(^|\/)sqaoed(\.js)?$/.test(word)) + 1), 2, 3);
    default:
      return operands(withoutOptions(argv.slice(1)), 0, 1);
  }
}

/** Whether a target may answer for an address on an interface. @param index of the interface */
export function mayAnswer(target: ForeignTarget, address: Address, index: number): boolean {
  if (!target.interfaces.some((one) => one === index || one === 0)) return false;
  const { addresses } = target;
  return (
    addresses === undefined ||
    addresses.some(({ shelf, slot }) => shelf === address.shelf && slot === address.slot)
  );
}

/** "process 12 (vblade 0 1 eth0 a.img) answers for e0.1 on eth0 too" */
export function describeForeign(target: ForeignTarget, address: Address, iface: string): string {
  const answers = target.addresses === undefined ? 'may answer' : 'answers';
  return `process ${target.pid} (${quoteArgv(target.argv)}) ${answers} for ${formatAddress(address)} on ${iface}`;
}

/** How it is kept from answering for an address for good, as a person would type it. */
export function stopCommand({ pid, cgroup, mark, argv }: SocketOwner, address: Address): string {
  // Below a unit, as that of a user's own manager, groups are called as whoever it belongs to likes.
  const unit = /^\d+:[^:\n]*:\/(?:[^/\n]+\.slice\/)*([^/\n]+\.service)$/m.exec(cgroup)?.[1];
  if (unit !== undefined && !/^user@\d+\.service$/.test(unit))
    return quoteArgv(['systemctl', 'disable', '--now', unit]);
  const openrc = /^\d+:(?:name=openrc:\/|:\/openrc\.)([^/\n]+)$/m.exec(cgroup)?.[1];
  if (openrc !== undefined) {
    const [stop, remove] = [
      ['rc-service', openrc, 'stop'],
      ['rc-update', 'del', openrc],
    ].map(quoteArgv);
    return `${stop} && ${remove}`;
  }
  const owner = /^(\/.+)\/(exports|daemons)\/([^/]+?)(\.json)?$/.exec(mark ?? '');
  if (owner !== null) {
    const [, folder = '', kind, name = ''] = owner;
    // A daemon serves others too, which go on.
    const which = kind === 'exports' ? name : formatAddress(address);
    return `AOE_LAB_STATE=${quoteArgv([folder])} ${quoteArgv(['aoe-lab', 'unexport', which])}`;
  }
  const program = argv.find((word) => NATIVE.test(word)) ?? programOf(argv);
  return `kill ${pid}, and see to it that nothing starts ${quoteArgv([program])} again`;
}

/** How it is stopped, and what is done with what it serves: `import` reads no native target's configuration. */
export function wayOut(target: SocketOwner, address: Address): string {
  const stop = stopCommand(target, address);
  return target.argv.some((word) => NATIVE.test(word))
    ? stop
    : `${stop} (aoe-lab import takes over what it serves)`;
}

/** Fields that the script of `foreign-targets.ts` prints of each process; each ends with NUL, which none of them can hold. */
const FIELDS = 6;

export function parseOwners(text: string): Omit<SocketOwner, 'interfaces'>[] {
  const fields = text.split('\0');
  const owners: Omit<SocketOwner, 'interfaces'>[] = [];
  for (let index = 0; index + FIELDS < fields.length; index += FIELDS) {
    const [pid, cwd, mark, cmdline, name, cgroup] = fields
      .slice(index, index + FIELDS)
      .map((field) => field.replace(/\n$/, '')) as [string, string, string, string, string, string];
    const words = cmdline.split('\u0001');
    if (words.at(-1) === '') words.pop();
    const argv = words.length === 0 ? [name] : words;
    // It has ended meanwhile.
    if (argv.join('') === '') continue;
    owners.push({ pid: Number(pid), cwd, argv, cgroup, mark: mark || undefined });
  }
  return owners;
}

function programOf([program = '']: readonly string[]): string {
  // A daemon may write what it likes there: "ggaoed: serving".
  return posix.basename(program.split(/[\s:]/)[0] ?? '');
}

/** The operands of a line of vblade's, whose options may stand anywhere (getopt(3) of GNU). */
function withoutOptions(words: readonly string[]): string[] {
  const rest: string[] = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index] as string;
    if (word === '--') return [...rest, ...words.slice(index + 1)];
    if (!/^-./.test(word)) rest.push(word);
    // Of a group of letters only the last has its value in the next word.
    else if (/^-[dsr]*[bolm]$/.test(word)) index++;
  }
  return rest;
}

function operands(words: readonly string[], shelf: number, slot: number): Address[] | undefined {
  const [major, minor] = [words[shelf], words[slot]];
  const isAddress = (word: string | undefined): word is string => /^(0x[0-9a-f]+|\d+)$/i.test(word ?? '');
  if (words.length !== 4 || !isAddress(major) || !isAddress(minor)) return undefined;
  return [{ shelf: Number(major), slot: Number(minor) }];
}

function nativeAddresses(config: string | undefined): Address[] | undefined {
  try {
    const { exports } = parseJson(config ?? '') as { exports: Address[] };
    return exports.map(({ shelf, slot }) => ({ shelf, slot }));
  } catch {
    return undefined;
  }
}

/** A section a device, with its shelf and slot. A stranger wrote it: nothing here takes longer than in proportion to its length. */
function ggaoedAddresses(config: string): Address[] {
  return config.split(/^[ \t]*\[/m).flatMap((section) => {
    const number = (key: string): string | undefined =>
      new RegExp(`^[ \\t]*${key}[ \\t]*=[ \\t]*(\\d+)`, 'm').exec(section)?.[1];
    const [shelf, slot] = [number('shelf'), number('slot')];
    return shelf === undefined || slot === undefined ? [] : [{ shelf: Number(shelf), slot: Number(slot) }];
  });
}

/** A block a device. One that leaves out shelf or slot gets the next there is, by rules of its own: then nothing is known. */
function qaoedAddresses(config: string): Address[] | undefined {
  const plain = config.replaceAll(/^[ \t]*(#|\/\/).*$/gm, '').replaceAll(/\bacl\s*\{[^{}]*\}/g, '');
  const found: Address[] = [];
  for (const [, block = ''] of plain.matchAll(/^[ \t]*device\s*\{([^{}]*)\}/gm)) {
    const [, shelf] = /\bshelf\s*=\s*(\d+)/.exec(block) ?? [];
    const [, slot] = /\bslot\s*=\s*(\d+)/.exec(block) ?? [];
    if (shelf === undefined || slot === undefined) return undefined;
    found.push({ shelf: Number(shelf), slot: Number(slot) });
  }
  return found;
}
