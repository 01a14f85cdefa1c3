/**
 * `aoe-lab apply` from nothing on hosts over SSH: `node dist/test/bench/lab-apply.js [HOSTS] [EXPORTS] [IMPLEMENTATION]`, as
 * root. Time of apply, plan and destroy, and the most memory that each command had.
 */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { MAIN } from '../live/cli.js';
import { labEnvironment, writeLabFile } from '../live/lab-hosts.js';
import { noSshLab, sshLab } from '../live/ssh-lab.js';

const [hosts = '20', exports = '10', implementation = 'vblade'] = process.argv.slice(2);
const names = Array.from({ length: Number(hosts) }, (_, index) => `host${index}`);

const reason = noSshLab();
if (reason !== undefined) throw new Error(reason);
const undo: (() => unknown)[] = [];
try {
  const lab = await sshLab({ teardown: (one) => void undo.push(one) }, names);
  const file = await writeLabFile(lab, {
    lab: 'bench',
    defaults: { implementation, interface: 'san0', size: '1M' },
    hosts: Object.fromEntries(names.map((name) => [name, {}])),
    exports: names.flatMap((host, shelf) =>
      Array.from({ length: Number(exports) }, (_, slot) => ({
        address: `e${shelf}.${slot}`,
        host,
        file: `/srv/lab-${slot}.img`,
      })),
    ),
  });
  const words = ['-f', file, '--json'];
  for (const [verb, ...more] of [['apply', '--yes'], ['plan'], ['destroy', '--yes']]) {
    const [program = '', ...args] = lab.inside([process.execPath, MAIN, String(verb), ...words, ...more]);
    const started = performance.now();
    const child = spawn(program, args, {
      env: { ...process.env, ...labEnvironment(lab) },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (chunk) => {
      said += chunk;
    });
    let peak = 0;
    const timer = setInterval(async () => {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '');
      // It only rises; what is missed is the last moment.
      peak = Math.max(peak, Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0));
    }, 100);
    const code = await new Promise((resolve) => child.once('close', resolve));
    clearInterval(timer);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    process.stdout.write(`${verb}: exit code ${code}, ${seconds} s, ${Math.round(peak / 1024)} MiB\n`);
    if (code !== 0) process.stdout.write(said);
  }
} finally {
  for (const one of undo.reverse()) await one();
}
