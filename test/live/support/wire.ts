import { randomBytes } from 'node:crypto';
import type { ExecutionContext } from 'ava';
import { here } from '../../../src/hosts/host/local.js';
import { temporaryFolder } from '../../base/temporary.js';
import { cliHere } from './cli.js';

export interface TestWire {
  netns: string;
  /** Interface for the target, in the namespace. */
  target: string;
  /** Interface for the initiator, in the namespace as well. */
  initiator: string;
  /** MAC of the initiator's end. */
  mac: string;
  folder: string;
  /** Environment with a state folder of the test's own. The cache is shared: what was built once is not built again. */
  env: Record<string, string>;
}

/** A namespace with a veth pair and a state folder, all of the test's own; everything is taken away when it ends. */
export async function testWire(t: ExecutionContext, mtu = 1500): Promise<TestWire> {
  const folder = await temporaryFolder(t);
  const netns = `aoetest-${randomBytes(4).toString('hex')}`;
  const env = { AOE_LAB_STATE: `${folder}/state` };
  await here.run(['ip', 'netns', 'add', netns]);
  t.teardown(async () => {
    await cliHere(['unexport', '--force', '--all'], env);
    await here.run(['ip', 'netns', 'del', netns]);
  });
  const inside = here.inNamespace(netns);
  const size = ['mtu', String(mtu)];
  await inside.run(['ip', 'link', 'add', 'tgt', ...size, 'type', 'veth', 'peer', 'name', 'ini', ...size]);
  for (const end of ['tgt', 'ini']) await inside.run(['ip', 'link', 'set', end, 'addrgenmode', 'none', 'up']);
  const { stdout } = await inside.run(['ip', '-json', 'link', 'show', 'dev', 'ini']);
  const [{ address }] = JSON.parse(stdout) as [{ address: string }];
  return { netns, target: 'tgt', initiator: 'ini', mac: address, folder, env };
}
