import { restartTargets } from '../../serve/exports/restart.js';
import type { LinuxContext } from './context.js';
import { directRead } from './failure.js';
import type { Step } from './record.js';
import { mounted, requireDigest, secondsOf, unmount, withFile } from './volume.js';

/** Milliseconds: a target that announces itself is seen within two seconds. */
const RETURN = 60_000;

/** The handbook's fourth criterion: after a restart the export comes back, and the client sees it. */
export async function restart({ client, target }: LinuxContext, step: Step): Promise<void> {
  const digest = await step('a file system with a file', async () => {
    const written = await withFile(client);
    await unmount(client);
    return written;
  });
  await step('the target is restarted', async () => {
    const seconds = await secondsOf(() => restartTargets(target.host, [target.id]));
    return `${target.id} in ${seconds.toFixed(1)} s`;
  });
  await step('the client uses it again', async () => {
    const seconds = await secondsOf(async () => {
      await client.discovered(RETURN);
      await client.host.run(directRead(client.device));
    });
    return `after ${seconds.toFixed(1)} s`;
  });
  await step('the file is the same', async () => {
    await mounted(client);
    await requireDigest(client.host, digest);
    await unmount(client);
    return 'equal';
  });
}
