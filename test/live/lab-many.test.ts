/** Many hosts at once: `AOE_LAB_HOSTS=20` and `AOE_LAB_EXPORTS=10` (a host) measure what the ordinary run only tries. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { MAIN } from './support/cli.js';
import { labEnvironment, writeLabFile } from './support/lab-hosts.js';
import { builtVblade, testUnless } from './support/machine.js';
import { noSshLab, type SshLab, sshLab } from './support/ssh-lab.js';

const HOSTS = Number(process.env.AOE_LAB_HOSTS ?? 4);
const EXPORTS = Number(process.env.AOE_LAB_EXPORTS ?? 2);

const built = await builtVblade();

interface Run {
  exitCode: number | null;
  stdout: string;
  stderr: string;
  seconds: number;
  /** The most memory it had; the last tenth of a second may be missing. */
  peakMiB: number;
}

async function measured(lab: SshLab, args: readonly string[]): Promise<Run> {
  const [program = '', ...words] = lab.inside([process.execPath, MAIN, ...args]);
  const started = performance.now();
  const child = spawn(program, words, { env: { ...process.env, ...labEnvironment(lab) } });
  let [stdout, stderr, peak] = ['', '', 0];
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const timer = setInterval(async () => {
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '');
    peak = Math.max(peak, Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0));
  }, 100);
  const exitCode = await new Promise<number | null>((resolve) => child.once('close', resolve));
  clearInterval(timer);
  const seconds = (performance.now() - started) / 1000;
  return { exitCode, stdout, stderr, seconds, peakMiB: Math.round(peak / 1024) };
}

testUnless(
  noSshLab() ?? ('reason' in built ? built.reason : undefined),
  `${HOSTS} hosts with ${EXPORTS} exports each: applied from nothing, nothing left to do, destroyed`,
  async (t) => {
    t.timeout(600_000);
    const names = Array.from({ length: HOSTS }, (_, index) => `host${index}`);
    const lab = await sshLab(t, names);
    const file = await writeLabFile(lab, {
      lab: 'many',
      defaults: { implementation: process.env.AOE_LAB_IMPL ?? 'vblade', interface: 'san0', size: '1M' },
      hosts: Object.fromEntries(names.map((name) => [name, {}])),
      exports: names.flatMap((host, shelf) =>
        Array.from({ length: EXPORTS }, (_, slot) => ({
          address: `e${shelf}.${slot}`,
          host,
          file: `/srv/lab-${slot}.img`,
        })),
      ),
    });
    for (const [verb, ...more] of [
      ['apply', '--yes'],
      ['plan'],
      ['destroy', '--yes', '--allow', 'used'],
    ] as const) {
      const run = await measured(lab, [verb, '-f', file, '--json', ...more]);
      t.is(run.exitCode, 0, run.stderr);
      const { outcomes, unchanged } = JSON.parse(run.stdout) as { outcomes?: object[]; unchanged: number };
      t.is(verb === 'plan' ? unchanged : outcomes?.length, HOSTS * EXPORTS);
      t.log(`${verb}: ${run.seconds.toFixed(1)} s, ${run.peakMiB} MiB`);
    }
  },
);
