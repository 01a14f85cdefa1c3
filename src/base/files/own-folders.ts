/**
 * Folders that decide what is run: builds, entries, recipes, the host book, and where programs look for their settings. Root takes
 * its own alone, as where sudo keeps HOME or AOE_LAB_CACHE another user could have root run what he likes.
 */
import { lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { userInfo } from 'node:os';
import { posix } from 'node:path';
import { UsageError } from '../errors.js';
import { aclOf } from './acl.js';
import { isGroupWritable, isLink, isMapped, type Step, type User, weaknesses, writerOf } from './trust.js';

const MOST_LINKS = 40;

/** Those that were found to be root's. */
const known = new Set<string>();

/**
 * @param path absolute or not; what is not there yet counts by the folders that are
 * @param what such as "the store"
 * @param variable of the environment, that names another place
 * @throws UsageError if this is root, and somebody else may change what is there
 */
export function requireOwn(path: string, what: string, variable: string): string {
  if (process.geteuid?.() !== 0 || known.has(path)) return path;
  const objection = objectionTo(posix.resolve(path));
  if (objection !== undefined) {
    throw new UsageError({
      tried: `using ${what} ${path} as root`,
      happened: `${objection}, and so decide what root runs`,
      next: [
        `name a place of root's (${variable}; under sudo, HOME may still be that of its user: sudo -H)`,
        `or make it root's: chown root, chmod go-w, for the folders above it too`,
      ],
    });
  }
  known.add(path);
  return path;
}

/** Places beside HOME that programs take settings, code or keys from. */
const PLACES = [
  'XDG_CONFIG_HOME',
  'XDG_DATA_HOME',
  'XDG_CACHE_HOME',
  'XDG_STATE_HOME',
  'GNUPGHOME',
  'PYTHONUSERBASE',
] as const;

/**
 * The environment by which this user's programs find their settings (git's and svn's, say, which name commands to run, or
 * Python's packages): what of it somebody else may change is left out, and HOME is then what the system knows as this user's
 * home, as ssh(1) has it always.
 */
export function ownEnvironment(): Readonly<Record<string, string | undefined>> {
  const own = (name: string): string | undefined => {
    const path = process.env[name];
    return path && isOwn(path) ? path : undefined;
  };
  const places = PLACES.filter((name) => process.env[name] !== undefined).map((name) => [name, own(name)]);
  return { ...Object.fromEntries(places), HOME: own('HOME') ?? homeOfUser() };
}

/** Where this user's own settings lie. */
export function ownHome(): string {
  return ownEnvironment().HOME ?? '/';
}

function isOwn(path: string): boolean {
  try {
    const user = { uid: process.geteuid?.() ?? -1, gid: process.getegid?.() ?? -1 };
    return posix.isAbsolute(path) && objectionTo(path, user) === undefined;
  } catch {
    // Not even root may look there, or this user may not.
    return false;
  }
}

/** A user whom the system does not know has what he says. */
function homeOfUser(): string | undefined {
  try {
    return userInfo().homedir;
  } catch {
    return process.geteuid?.() === 0 ? '/root' : process.env.HOME;
  }
}

function objectionTo(path: string, { uid, gid } = { uid: 0, gid: 0 }): string | undefined {
  const user: User = { uid, gid, isMapped: isMapped(usersOfNamespace()) };
  const { way, isWhole } = wayTo(path);
  const [weak] = weaknesses(way, user);
  if (weak !== undefined) return `${weak.who} may write to ${weak.folder}`;
  const last = way.at(-1);
  // What root makes in a folder like /tmp stays root's.
  if (last === undefined || (!isWhole && (last.mode & 0o1000) !== 0)) return undefined;
  const who = writerOf(last, user);
  return who === undefined ? undefined : `${who} may write to ${last.path}`;
}

function usersOfNamespace(): string[] {
  try {
    return readFileSync('/proc/self/uid_map', 'utf8').split('\n');
  } catch {
    return [];
  }
}

/** Every name on the way from `/` on, as far as there is something; links before what they lead to. */
function wayTo(path: string): { way: Step[]; isWhole: boolean } {
  const way: Step[] = [];
  let [at, links] = ['/', 0];
  const parts = ['.', ...path.split('/').filter((part) => part !== '')];
  for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
    const next = posix.join(at, part);
    const facts = lstatSync(next, { throwIfNoEntry: false });
    if (facts === undefined) return { way, isWhole: false };
    const { mode, uid, gid } = facts;
    const acl = isGroupWritable({ mode }) ? aclOf(next) : undefined;
    const step = { path: next, mode, uid, gid, acl };
    way.push(step);
    if (!isLink(step)) {
      at = next;
      continue;
    }
    links++;
    if (links > MOST_LINKS) return { way, isWhole: false };
    const to = readlinkSync(next);
    if (posix.isAbsolute(to)) at = '/';
    parts.unshift(...to.split('/').filter((one) => one !== ''));
  }
  return { way, isWhole: true };
}
