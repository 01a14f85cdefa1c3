/** How often a host is asked: over SSH each question is a command, and in an emulated guest each costs a quarter of a second. */
import { join } from 'node:path';
import { here } from '../../src/hosts/host/local.js';
import { exportTarget } from '../../src/serve/exports/export.js';
import { RUN_MARK } from '../../src/serve/exports/processes.js';
import { provide } from '../../src/serve/exports/provide.js';
import { restartTargets } from '../../src/serve/exports/restart.js';
import { exportStatus } from '../../src/serve/exports/status.js';
import { unexportTargets } from '../../src/serve/exports/unexport.js';
import { counted } from '../serve/exports/counted.js';
import { builtVblade, testUnless } from './support/machine.js';
import { testWire } from './support/wire.js';

const built = await builtVblade();

testUnless(
  'reason' in built ? built.reason : undefined,
  'a far host is asked few questions: to export, see, start again and end',
  async (t) => {
    const wire = await testWire(t);
    const calls: string[] = [];
    const state = wire.env.AOE_LAB_STATE as string;
    const host = counted(here, calls, { isHere: false, stateFolder: async () => state });
    const served = await provide('vblade', {});
    const spec = (slot: number) => ({
      ...{ shelf: 0, slot, iface: wire.target, netns: wire.netns, size: 1 << 20, options: {} },
      path: join(wire.folder, `disk${slot}`),
    });
    // Questions, and surveys of processes among them.
    const steps = {
      'the first export': [() => exportTarget(host, served, spec(1)), 23, 3],
      'another one': [() => exportTarget(host, served, spec(2)), 22, 3],
      status: [() => exportStatus(host), 9, 1],
      restart: [() => restartTargets(host, undefined), 37, 9],
      // Of these, two ask who else has the files that were made.
      unexport: [() => unexportTargets(host, undefined, true), 27, 6],
    } as const;
    for (const [name, [step, most, surveys]] of Object.entries(steps)) {
      calls.length = 0;
      await step();
      const asked = withoutPolls(calls);
      const said = `${name}:\n${asked.map((call) => call.replaceAll('\n', ' ').slice(0, 200)).join('\n')}`;
      t.true(asked.length <= most, `${asked.length} questions for ${said}`);
      const looks = asked.filter((call) => call.includes(`bearing '${RUN_MARK}=' $environs`)).length;
      t.true(looks <= surveys, `${looks} surveys of processes for ${said}`);
    }
  },
);

/** A target that is slow to begin or to end is asked for again and again: what is asked at once once more counts once. */
function withoutPolls(calls: readonly string[]): string[] {
  const asked: string[] = [];
  for (const call of calls) {
    asked.push(call.replace(/( \d+)+$/, ''));
    for (const length of [1, 2]) {
      const [last, before] = [asked.slice(-length), asked.slice(-2 * length, -length)];
      if (last.join() === before.join()) asked.splice(-length);
    }
  }
  return asked;
}
