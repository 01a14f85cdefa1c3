import { restartTargets } from '../../target/restart.js';
import { directRead } from './failure.js';
import type { Step } from './record.js';
import type { Scene } from './scene.js';
import { digestOn, FILE, mounted, secondsOf, unmount } from './volume.js';

/** Milliseconds: a target that announces itself is seen within two seconds. */
const RETURN = 60_000;

/** The handbook's fourth criterion: after a restart the export comes back, and the client sees it. */
export async function restart({ client, target }: Scene, step: Step): Promise<void> {
  const digest = await step('a file system with a file', async () => {
    await client.host.run(['mkfs.ext4', '-q', '-F', client.device]);
    await mounted(client);
    await client.host.run(['dd', 'if=/dev/urandom', `of=${FILE}`, 'bs=1M', 'count=16', 'status=none']);
    const value = await digestOn(client.host, FILE);
    await unmount(client);
    return { seen: `sha256 ${value}`, value };
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
    const again = await digestOn(client.host, FILE);
    if (again !== digest) throw new Error(`it was ${digest} and is ${again}`);
    await unmount(client);
    return 'equal';
  });
}
