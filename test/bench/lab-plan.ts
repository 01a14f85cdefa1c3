/**
 * Time and memory of planning for many hosts: `node dist/test/bench/lab-plan.js [HOSTS…]`. Hosts are simulated and answer after
 * 5 ms; all else is what `aoe-lab plan` does. Each size is measured in a process of its own.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadLab } from '../../src/manage/lab/load.js';
import { planLab } from '../../src/manage/lab/plan.js';
import { surveyLab } from '../../src/manage/lab/survey.js';
import { backingOf, entryOf } from '../serve/exports/entries.js';
import { simulatedHost } from './simulated-host.js';

const EXPORTS = 10;
const DELAY = 5;
const PARALLEL = 16;

const [first, ...others] = process.argv.slice(2);
if (first === 'one') await one(Number(others[0]));
else {
  const sizes = first === undefined ? [0, 62, 125, 250, 500, 1000] : [first, ...others].map(Number);
  for (const hosts of sizes) {
    process.stdout.write(
      execFileSync(process.execPath, [fileURLToPath(import.meta.url), 'one', String(hosts)]),
    );
  }
}

/** Of each host's exports one is missing, one has another option and one is too many. */
async function one(count: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'aoe-lab-bench-'));
  const file = join(folder, 'lab.yaml');
  const hosts = Array.from({ length: count }, (_, index) => `host${index}`);
  const exports = hosts.flatMap((host, shelf) =>
    Array.from(
      { length: EXPORTS },
      (_, slot) => `  - { address: e${shelf}.${slot}, host: ${host}, file: /srv/${slot} }\n`,
    ),
  );
  const head =
    'lab: many\ndefaults: { implementation: vblade, segment: san }\nsegments: { san: { interface: san0 } }\n';
  await writeFile(
    file,
    `${head}hosts: {${hosts.join(', ')}}\nexports:${exports.length === 0 ? ' []' : `\n${exports.join('')}`}`,
  );
  const started = performance.now();
  const cpu = process.cpuUsage();
  const lab = await loadLab(file);
  const loaded = performance.now();
  const survey = await surveyLab(
    lab,
    async (name) =>
      simulatedHost(
        name,
        Array.from({ length: EXPORTS }, (_, at) => entryFor(name, at + 1)),
        DELAY,
      ),
    PARALLEL,
  );
  const surveyed = performance.now();
  const plan = planLab(lab, survey.states, survey.segments);
  const ended = performance.now();
  const { user, system } = process.cpuUsage(cpu);
  const figures = {
    hosts: count,
    actions: plan.actions.length,
    unchanged: plan.unchanged,
    loadMs: Math.round(loaded - started),
    surveyMs: Math.round(surveyed - loaded),
    planMs: Math.round(ended - surveyed),
    cpuMs: Math.round((user + system) / 1000),
    peakMiB: Math.round(process.resourceUsage().maxRSS / 1024),
  };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
  await rm(folder, { recursive: true });
}

function entryFor(host: string, slot: number) {
  const path = `/srv/${slot}`;
  return entryOf({
    shelf: Number(host.slice('host'.length)),
    slot,
    iface: 'san0',
    backing: backingOf({ path }),
    options: slot === 5 ? { readOnly: true } : {},
    lab: { name: 'many', file: path },
  });
}
