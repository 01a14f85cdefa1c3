/** What running processes may do of what root may, as their system tells it (proc(5), capabilities(7)). */
import type { Host } from '../../hosts/host/host.js';

export interface ProcessRights {
  /** Capabilities that it has or can take up, such as `net_raw`; one without a name here by its number. */
  capabilities: string[];
  /** No program that it starts could gain any. */
  noNewPrivileges: boolean;
  /** A filter keeps system calls from it. */
  seccomp: boolean;
}

/** By their numbers (linux/capability.h). */
const NAMES = (
  'chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service ' +
  'net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin ' +
  'sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap mac_override ' +
  'mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore'
).split(' ');

/** Without a process for each. It needs no rights to them; of those that have ended nothing is told. */
const SCRIPT = `for pid do
  echo "process $pid"
  { while read -r key value rest; do
    case $key in CapPrm:|NoNewPrivs:|Seccomp:) echo "$key $value";; esac
  done < "/proc/$pid/status"; } 2>/dev/null
done
:`;

/** By process id; a system that does not tell is left out. */
export async function rightsOf(host: Host, pids: readonly number[]): Promise<Map<number, ProcessRights>> {
  if (pids.length === 0) return new Map();
  const { stdout } = await host.run(['sh', '-c', SCRIPT, 'sh', ...pids.map(String)]);
  return parseRights(stdout);
}

/** Reads what the script printed. */
export function parseRights(text: string): Map<number, ProcessRights> {
  const found = new Map<number, ProcessRights>();
  for (const part of text.split(/^process (?=\d+$)/m).slice(1)) {
    const field = (name: string): string | undefined =>
      new RegExp(`^${name}:\\s*(\\S+)$`, 'm').exec(part)?.[1];
    const permitted = field('CapPrm');
    if (permitted === undefined) continue;
    found.set(Number.parseInt(part, 10), {
      capabilities: namesOf(BigInt(`0x${permitted}`)),
      noNewPrivileges: field('NoNewPrivs') === '1',
      seccomp: field('Seccomp') === '2',
    });
  }
  return found;
}

/** All that some processes together may; null where nothing is known of one of them, or there is none. */
export function togetherMay(
  pids: readonly number[],
  rights: ReadonlyMap<number, ProcessRights>,
): ProcessRights | null {
  const all = pids.map((pid) => rights.get(pid));
  if (all.length === 0 || !all.every((one) => one !== undefined)) return null;
  return {
    capabilities: [...new Set(all.flatMap(({ capabilities }) => capabilities))],
    noNewPrivileges: all.every((one) => one.noNewPrivileges),
    seccomp: all.every((one) => one.seccomp),
  };
}

function namesOf(set: bigint): string[] {
  const bits = set.toString(2).split('').toReversed();
  return bits.flatMap((bit, number) => (bit === '1' ? [NAMES[number] ?? String(number)] : []));
}
