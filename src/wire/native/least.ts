/**
 * The process gives up what rights of root's it has and never needs (capabilities(7)), where nothing did so before it was
 * started. What it keeps it needs again and again: a configuration, a disk or an interface may come at any time.
 */
import { readFileSync } from 'node:fs';

/** Packet sockets; files of others'; the memory of io_uring before Linux 5.12. */
const KEPT = (1n << 13n) | (1n << 1n) | (1n << 14n);

const PR_CAPBSET_DROP = 24;
const PR_SET_NO_NEW_PRIVS = 38;
const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_CLEAR_ALL = 4;
const CAPABILITY_VERSION_3 = 0x2008_0522;
const F_SETFD = 2;
const LOW = 0xffff_ffffn;

/** What a line of /proc/PID/status says of a set. */
export function capabilitySet(status: string, name: string): bigint {
  return BigInt(`0x${new RegExp(`^${name}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1] ?? '0'}`);
}

/**
 * Threads that are there already keep their own, so that a process that could be left with less becomes itself once more.
 * Silent where the system has none of this: it is what a service manager or setpriv(1) does as well.
 */
export async function keepLeast(): Promise<void> {
  const status = readStatus();
  if (status === undefined) return;
  // Whoever opens sockets tells what is missing.
  const { default: koffi } = await import('koffi').catch(() => ({ default: undefined }));
  if (koffi === undefined) return;
  const c = koffi.load(null);
  const prctl = c.func('int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)');
  const excess = capabilitySet(status, 'CapBnd') & ~KEPT;
  // Only who has CAP_SETPCAP may; a user whose node has a capability of its own would lose that by becoming another one.
  const isLess = excess !== 0n && bits(excess).every((bit) => prctl(PR_CAPBSET_DROP, bit, 0, 0, 0) === 0);
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  const kept = capabilitySet(status, 'CapPrm') & KEPT;
  const header = new Uint32Array([CAPABILITY_VERSION_3, 0]);
  // struct __user_cap_data_struct, twice: effective, permitted, inheritable.
  const [low, high] = [Number(kept & LOW), Number(kept >> 32n)];
  const data = new Uint32Array([low, low, 0, high, high, 0]);
  c.func('int capset(const void *, const void *)')(header, data);
  if (!isLess) return;
  const fcntl = c.func('int fcntl(int, int, int)');
  // Node has them closed in programs that it starts by itself.
  for (const fd of [0, 1, 2]) fcntl(fd, F_SETFD, 0);
  const argv = [process.execPath, ...process.execArgv, ...process.argv.slice(1), null];
  const env = [...Object.entries(process.env).map(([name, value]) => `${name}=${value}`), null];
  c.func('int execve(const char *, const char **, const char **)')(process.execPath, argv, env);
}

function readStatus(): string | undefined {
  try {
    return readFileSync('/proc/thread-self/status', 'utf8');
  } catch {
    return undefined;
  }
}

function bits(set: bigint): number[] {
  return set
    .toString(2)
    .split('')
    .reverse()
    .flatMap((bit, index) => (bit === '1' ? [index] : []));
}
