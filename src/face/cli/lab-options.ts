/** What plan, apply and destroy have in common. */
import { type Command, InvalidArgumentError } from 'commander';
import type { LabPlan } from '../../manage/lab/actions.js';
import type { Outcome } from '../../manage/lab/apply.js';
import type { ExecutorOptions } from '../../manage/lab/executor.js';
import type { Lab } from '../../manage/lab/lab.js';
import type { Survey } from '../../manage/lab/survey.js';
import { line } from '../ui/colors.js';
import { closingHosts } from './hosts.js';
import { allowedEnds, type EndOptions, MOST_PARALLEL, whole, withAllowedEnds } from './options.js';
import { untilSignal } from './signals.js';

export interface LabOptions {
  file: string;
  var?: Record<string, string>;
  parallel: number;
  json?: boolean;
}

export interface CarryOutOptions
  extends LabOptions,
    EndOptions,
    Pick<ExecutorOptions, 'offline' | 'removeFiles'> {
  yes?: boolean;
}

/** Sixteen SSH connections take some 40 MB and one processor. */
const PARALLEL = 16;

export function withLabOptions(command: Command): Command {
  return command
    .option('-f, --file <FILE>', 'the lab', 'lab.yaml')
    .option('--var <NAME=VALUE>', 'a variable of the lab (repeatable)', variable)
    .option('--parallel <N>', 'hosts at once', whole(1, MOST_PARALLEL), PARALLEL)
    .option('--json', 'print JSON');
}

/** Those of commands that may end exports. */
export function withEndOptions(command: Command): Command {
  return withAllowedEnds(command.option('--yes', 'do not ask'));
}

export function variable(text: string, before: Record<string, string> = {}): Record<string, string> {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new InvalidArgumentError('expected NAME=VALUE.');
  return { ...before, [name]: value };
}

/**
 * Runs a job on a plan, with the hosts that it is for.
 * @param change makes of the lab what is planned for
 */
export async function withPlan(
  options: LabOptions & Pick<ExecutorOptions, 'offline'>,
  change: (lab: Lab) => Lab,
  job: (plan: LabPlan, survey: Survey) => Promise<void>,
): Promise<void> {
  const [{ loadLab }, { planLab }, { judgeProvision }, { surveyLab }] = await Promise.all([
    import('../../manage/lab/load.js'),
    import('../../manage/lab/plan.js'),
    import('../../manage/lab/provision.js'),
    import('../../manage/lab/survey.js'),
  ]);
  const lab = change(await loadLab(options.file, options.var));
  await closingHosts(async (find) => {
    const survey = await surveyLab(lab, find, options.parallel);
    const plan = planLab(lab, survey.states, survey.segments);
    await job(await judgeProvision(plan, survey.hosts, options), survey);
  });
}

/** Shows a plan, asks, carries it out and tells how that went. */
export async function carryOut(
  plan: LabPlan,
  { hosts }: Survey,
  verb: string,
  options: CarryOutOptions,
): Promise<void> {
  const [
    { applyPlan },
    { HostExecutor },
    { describeEnd, describeOutcome, describePlan },
    { print, note },
    { noteRecovery },
    { ExitCode },
    { describeUndone },
  ] = await Promise.all([
    import('../../manage/lab/apply.js'),
    import('../../manage/lab/executor.js'),
    import('../ui/lab.js'),
    import('../ui/output.js'),
    import('../ui/recovery.js'),
    import('../../base/errors.js'),
    import('../ui/undone.js'),
  ]);
  note(describePlan(plan));
  if (plan.actions.length > 0 && !options.yes) {
    const { agree } = await import('../ui/confirm.js');
    await agree('Do this?', {
      tried: `${verb} on lab ${plan.lab}`,
      next: 'give --yes to do what is shown above without being asked',
    });
  }
  const executor = new HostExecutor({ name: plan.lab }, hosts, {
    ...(options.offline === undefined ? {} : { offline: options.offline }),
    ...(options.removeFiles === undefined ? {} : { removeFiles: options.removeFiles }),
    allow: allowedEnds(options),
    onRemark: (text) => note(line`warning: ${text}`),
    onRecovery: (host, recovery) => noteRecovery(recovery, host),
    onEnded: (host, undone) => {
      const file = describeUndone(undone);
      if (file !== '') note(line`${host} ${undone.id} ended${file}`);
    },
  });
  const outcomes = await untilSignal(`${verb} on lab ${plan.lab}`, (signal) =>
    applyPlan(plan, executor, {
      parallel: options.parallel,
      signal,
      onOutcome: (outcome) => note(describeOutcome(outcome)),
    }),
  );
  const { errorAsJson } = await import('../ui/errors.js');
  const result = {
    lab: plan.lab,
    outcomes: outcomes.map(({ action: { host, id, kind }, ...rest }) => ({
      host,
      id,
      kind,
      ...rest,
      ...('error' in rest ? errorAsJson(rest.error) : {}),
    })),
    troubles: plan.troubles,
    unchanged: plan.unchanged,
  };
  print(result, options, () => describeEnd(outcomes, plan));
  const isWhole = plan.troubles.length === 0 && outcomes.every((one: Outcome) => one.result === 'done');
  process.exitCode = isWhole ? ExitCode.done : ExitCode.failed;
}
