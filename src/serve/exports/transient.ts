/** Units of systemd that last as long as their process is wanted, not beyond a reboot. */
import { withEnvironment } from '../../hosts/host/clean-start.js';
import { enterNamespace } from '../../hosts/host/enter.js';
import type { Host } from '../../hosts/host/host.js';
import { type Confinement, confined } from '../../hosts/tools/confine.js';
import type { Setting } from './persist/sandbox.js';
import { RUN_MARK } from './processes.js';
import type { Program } from './program.js';
import { guarded } from './supervise.js';

/** Seconds; while an interface is down, vblade ends as soon as it is started. */
const PAUSE = 1;

/** The release of systemd that has all that is used here otherwise: `append:`. */
const OLDEST = 240;

/** The command that starts a program in a transient unit, which starts it again when it ends. */
export function transientArgv(service: string, program: Program, confinement: Confinement): string[] {
  const { argv, before, beside, mark, log, cwd, netns, stop } = program;
  // Rights that it needs to enter a namespace it gives up there.
  const words = guarded(argv, before, beside);
  const inner = netns === undefined ? words : confined(words, program.capabilities, confinement);
  const properties = {
    Restart: 'always',
    RestartSec: String(PAUSE),
    StartLimitIntervalSec: '0',
    KillSignal: `SIG${stop}`,
    StandardOutput: `append:${log}`,
    StandardError: `append:${log}`,
  };
  return [
    ...['systemd-run', '--quiet', '--collect', '--service-type=exec', `--unit=${service}.service`],
    ...[`--description=AoE export ${program.name}`, `--setenv=${RUN_MARK}=${mark}`],
    `--working-directory=${cwd}`,
    ...Object.entries(properties).map(([name, value]) => `--property=${name}=${value}`),
    ...known(program.settings).map(([name, value]) => `--property=${name}=${value}`),
    '--',
    // The manager replaces variables in what it starts (systemd.service(5), command lines).
    ...withEnvironment(enterNamespace(netns, inner), { [RUN_MARK]: mark }).map((word) =>
      word.replaceAll('$', '$$$$'),
    ),
  ];
}

/** Units of older releases are not refused for what they do not know, as properties are; there are no specifiers in these. */
function known(settings: readonly Setting[]): Setting[] {
  return settings
    .filter(([, , since = 0]) => since <= OLDEST)
    .map(([name, value]) => [name, value.replaceAll('%%', '%')]);
}

/** Ends a transient unit; silent if there is none. */
export async function endTransient(host: Host, service: string): Promise<void> {
  // 5: it is not loaded.
  await host.run(['systemctl', 'stop', `${service}.service`], { accept: [5] });
}
