/**
 * An entry without a namespace is of the network that the command was in which made it. A command in another network (`ip netns
 * exec`) would take its interface for one of the same name there.
 */
import { LabError } from '../../base/errors.js';
import { type EntryStore, type ExportEntry, exportId } from './entry.js';

/**
 * The command's own network and those of processes, a line each: `net:[4026531840]`; nothing of one that has ended. That of a
 * process with rights that this user lacks is not told: then it is the command's if a packet socket is in both, as no two
 * sockets have the same number.
 */
const NETWORKS = `own=$(readlink /proc/self/ns/net) || exit
echo "$own"
sockets() { sed -n '2,$s/.* \\([0-9][0-9]*\\) *$/\\1/p' "/proc/$1/net/packet"; }
for pid do
  readlink "/proc/$pid/ns/net" && continue
  [ -d "/proc/$pid" ] || continue
  here=" $(sockets self | tr '\\n' ' ')" net=unknown
  for number in $(sockets "$pid"); do
    case $here in *" $number "*) net=$own ;; esac
  done
  echo "$net"
done
:`;

/**
 * @param pids of what serves the entry
 * @throws LabError if they are in another network than this command
 */
export async function requireSameNetwork(
  { host }: EntryStore,
  entry: ExportEntry,
  pids: readonly number[],
): Promise<void> {
  if (entry.netns !== undefined || pids.length === 0) return;
  const { stdout } = await host.run(['sh', '-c', NETWORKS, 'sh', ...pids.map(String)]);
  const [own, ...others] = stdout.split('\n').filter(Boolean);
  if (others.every((one) => one === own)) return;
  const id = exportId(entry);
  throw new LabError({
    tried: `starting the target of ${id}`,
    happened: `${others.includes('unknown') ? 'as far as this user can see it runs' : 'it runs'} in another network namespace than this command: its interface ${entry.iface} is not the one that is called so here; nothing was stopped`,
    next: [
      `run the command in that namespace: ip netns identify ${pids[0]} tells its name`,
      `or aoe-lab unexport ${id}, then export with --netns NAME`,
    ],
  });
}
