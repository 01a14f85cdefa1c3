/** verify with a client that can not be one: it is told at once, before anything is built or exported. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { survivesLoss } from '../../src/prove/acceptance/host-client.js';
import { labJson, onHost } from './support/lab-hosts.js';
import { testUnless } from './support/machine.js';
import { noSshLab, type SshLab, sshLab } from './support/ssh-lab.js';

const kernel = (await import('node:os')).release();
const reason = noSshLab() ?? (survivesLoss(kernel) ? undefined : `Linux ${kernel} is taken for no client`);

interface Refusal {
  error: { kind: string; happened: string; next: string | string[] };
}

async function verifyBy(t: ExecutionContext, lab: SshLab): Promise<Refusal['error']> {
  const place = ['--initiator', 'one', '--iface', 'san0', '--wire', 'san0'];
  const words = ['verify', '--impl', 'native', '--test', '1', ...place];
  const { exitCode, result, stderr } = await labJson<Refusal>(lab, words);
  t.is(exitCode, 3, JSON.stringify(result));
  t.notRegex(stderr, /set-up/, 'nothing was begun');
  return result.error;
}

testUnless(reason, 'C5: a client whose kernel has no aoe driver is told at once', async (t) => {
  t.timeout(600_000);
  const lab = await sshLab(t, ['one']);
  // Programs that a machine without modules may lack; they are only looked for.
  for (const name of ['modprobe', 'rmmod']) {
    onHost(t, lab, 'one', `ln -s /bin/false /usr/local/bin/${name}; ln -sf /bin/false /usr/bin/${name}`);
  }
  onHost(t, lab, 'one', 'mkdir -p /lib/modules/$(uname -r)');
  onHost(t, lab, 'one', 'echo kernel/drivers/block/nbd.ko: > /lib/modules/$(uname -r)/modules.dep');
  const { happened, next } = await verifyBy(t, lab);
  t.regex(happened, new RegExp(`Linux ${kernel} has no aoe driver there`));
  t.regex(String(next), /--initiator vm/);
});

testUnless(reason, 'C5: a client without modprobe is told at once, and nothing is left', async (t) => {
  t.timeout(600_000);
  const lab = await sshLab(t, ['one']);
  onHost(t, lab, 'one', 'for one in $(which -a modprobe); do rm "$one"; done; :');
  const { happened } = await verifyBy(t, lab);
  t.regex(happened, /it has no modprobe/);
  const [host] = lab.hosts;
  const state = join(host?.upper ?? '', 'var/lib/aoe-lab');
  t.deepEqual(await readdir(state).catch(() => []), []);
});
