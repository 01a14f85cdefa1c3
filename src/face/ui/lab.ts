import { formatSize } from '../../base/units.js';
import type { Action, LabPlan, Trouble } from '../../manage/lab/actions.js';
import type { Outcome } from '../../manage/lab/apply.js';
import type { Difference } from '../../manage/lab/differences.js';
import { groupBy } from '../../manage/lab/group.js';
import colors, { line } from './colors.js';

/** What would be done, host by host, and what stands in the way. */
export function describePlan(plan: LabPlan): string {
  const lines = groupBy<string, Action | Trouble>([...plan.actions, ...plan.troubles], ({ host }) => host);
  const hosts = [...lines].sort(([a], [b]) => a.localeCompare(b));
  return [
    ...hosts.flatMap(([host, own]) => [
      colors.bold(host),
      ...own.flatMap((one) => ('kind' in one ? [describeAction(one)] : describeTrouble(one))),
    ]),
    ...plan.warnings.map(({ host, id, text }) => colors.yellow(line`${host} ${id}: ${text}`)),
    summarise(plan),
    ...plan.segments.map(({ segment, askedFrom }) =>
      askedFrom === null
        ? line`segment ${segment}: nobody was asked on the wire (no host of the lab is this machine, with its interface there up)`
        : line`segment ${segment}: asked from ${askedFrom}`,
    ),
  ].join('\n');
}

function describeAction(action: Action): string {
  switch (action.kind) {
    case 'create': {
      const { export: one, movedFrom } = action;
      const size = one.size === undefined ? '' : ` (${formatSize(one.size)})`;
      const moved =
        movedFrom.length === 0 ? '' : line`; its address moves from ${movedFrom.join(', ')}, its data do not`;
      return colors.green(
        line`  + ${action.id}  ${one.implementation} ${one.release ?? ''}  ${one.file}${size}${moved}`,
      );
    }
    case 'replace':
      return colors.yellow(
        line`  ~ ${action.id}  ${action.differences.map(describeDifference).join('; ')} (is made anew)`,
      );
    case 'restart':
      return colors.yellow(line`  ~ ${action.id}  ${action.faults.join('; ')} (is restarted)`);
    case 'delete': {
      const { implementation, release, file } = action.is;
      return colors.red(line`  - ${action.id}  ${implementation} ${release}  ${file}`);
    }
  }
}

function describeDifference({ field, is, shall }: Difference): string {
  return `${field} ${plain(is)} → ${plain(shall)}`;
}

function plain(value: unknown): string {
  if (value === null || value === false) return 'none';
  return Array.isArray(value) ? value.join(',') : String(value);
}

function describeTrouble({ id, happened, next }: Trouble): string[] {
  const [first, ...others] = happened.split('\n');
  return [
    colors.magenta(line`  ! ${id === null ? '' : `${id}  `}${first}`),
    ...others.map((other) => line`      ${other}`),
    ...(next === null ? [] : [line`      ${colors.cyan('→')} ${next}`]),
  ];
}

function summarise({ lab, actions, troubles, unchanged, foreign }: LabPlan): string {
  const count = (...kinds: Action['kind'][]): number =>
    actions.filter(({ kind }) => kinds.includes(kind)).length;
  const parts = [
    [count('create'), 'to make'],
    [count('replace', 'restart'), 'to change'],
    [count('delete'), 'to end'],
    [unchanged, 'as they should be'],
    [troubles.length, 'in trouble'],
    [foreign, 'not of this lab'],
  ] as const;
  const told = parts.filter(([number]) => number > 0).map(([number, what]) => `${number} ${what}`);
  return line`lab ${lab}: ${told.join(', ') || 'no exports'}${actions.length + troubles.length === 0 ? '; nothing to do' : ''}`;
}

const DONE: Readonly<Record<Action['kind'], string>> = {
  create: 'made',
  replace: 'made anew',
  restart: 'restarted',
  delete: 'ended',
};

/** One line as it happens. */
export function describeOutcome(outcome: Outcome): string {
  const { action, result } = outcome;
  const name = line`${action.host} ${action.id}`;
  if (result === 'done') return line`${colors.green('✔')} ${name} ${DONE[action.kind]}`;
  if (result === 'skipped') return line`${colors.yellow('-')} ${name} not begun: ${outcome.why}`;
  const [first, ...others] = outcome.error.message.split('\n');
  return [line`${colors.red('✖')} ${name} ${first}`, ...others.map((other) => line`      ${other}`)].join(
    '\n',
  );
}

/** Who is in which state in the end. */
export function describeEnd(outcomes: readonly Outcome[], { troubles }: LabPlan): string {
  const hosts = groupBy(outcomes, ({ action }) => action.host);
  const unreached = troubles.filter(({ id }) => id === null);
  return [
    ...[...hosts].map(([host, own]) => {
      const count = (result: Outcome['result']): number => own.filter((one) => one.result === result).length;
      const parts = [
        [count('done'), 'done'],
        [count('failed'), 'failed'],
        [count('skipped'), 'not begun'],
        [troubles.filter((trouble) => trouble.host === host).length, 'in trouble'],
      ] as const;
      return line`${host}: ${parts
        .filter(([number]) => number > 0)
        .map(([number, what]) => `${number} ${what}`)
        .join(', ')}`;
    }),
    ...unreached.map(({ host, happened }) => line`${host}: not reached: ${happened.split('\n')[0]}`),
  ].join('\n');
}
