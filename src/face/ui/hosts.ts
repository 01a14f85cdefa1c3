import { formatSize } from '../../base/units.js';
import type { BookedHost } from '../../hosts/book/book.js';
import { showArgv } from '../../hosts/host/quote.js';
import { NEEDS, needName, packageFor } from '../../hosts/prepare/needs.js';
import type { Undone } from '../../hosts/prepare/prepare.js';
import type { Survey } from '../../hosts/prepare/survey.js';
import { line } from './colors.js';
import { table } from './table.js';

export function describeBook(book: ReadonlyMap<string, BookedHost>): string {
  const rows = [...book].map(([name, { address, user, port, identity, jump, sudo }]) => [
    name,
    address,
    user ?? '',
    port === undefined ? '' : String(port),
    identity ?? '',
    jump ?? '',
    sudo ?? '',
  ]);
  return table(['name', 'address', 'user', 'port', 'identity', 'jump', 'sudo'], rows);
}

export function describeSurvey(name: string, survey: Survey): string {
  const { distribution, clock, missing, obstacles } = survey;
  const ahead = (clock.ahead / 1000).toFixed(3);
  const facts: [string, string][] = [
    ['host', `${name} (${survey.hostname}${survey.uid === 0 ? '' : `, user ${survey.uid}`})`],
    ['system', `${distribution.name || 'unknown'}, Linux ${survey.kernel}, ${survey.machine}`],
    ['init', survey.init],
    ['packages', survey.manager ?? 'no package manager known to aoe-lab'],
    ['compiler', survey.compiler ?? 'none'],
    ['node', survey.node ?? 'none'],
    ['clock', `${ahead} s ahead (± ${(clock.uncertainty / 1000).toFixed(3)} s)`],
    ['free', survey.space.map(({ path, free }) => `${path} ${formatSize(free)}`).join(', ')],
  ];
  const links = survey.interfaces.map(({ name: link, kind, mac, mtu, up, carrier, vlan }) => [
    link,
    vlan === undefined ? kind : `vlan ${vlan.id} on ${vlan.on}`,
    mac,
    String(mtu),
    up ? (carrier ? 'up' : 'no carrier') : 'down',
  ]);
  const devices = survey.devices.map(({ path, type, size, readOnly, usedBy }) => [
    path,
    readOnly ? `${type}, read-only` : type,
    formatSize(size),
    usedBy.join(', '),
  ]);
  const lacking = (purpose: string): string =>
    missing
      .filter((need) => need.purpose === purpose)
      .map((need) => needName(need, survey.kernel))
      .join(', ') || 'nothing';
  return [
    table(['', ''], facts).split('\n').slice(1).join('\n'),
    '',
    table(['interface', 'kind', 'MAC', 'MTU', 'state'], links),
    '',
    ...(devices.length === 0 ? [] : [table(['device', 'kind', 'size', 'used by'], devices), '']),
    ...survey.tools.map(({ tool, why, isNeeded, isMissing }) => {
      const need = NEEDS.find(({ name: other, kind }) => kind === 'command' && other === tool);
      const brings = need && survey.manager && packageFor(need, survey.manager, survey.kernel);
      const remedy = brings === undefined ? '' : ` (package ${brings})`;
      const how = isMissing ? 'missing' : `too small${isNeeded ? '' : ' for some'}`;
      return line`${tool} is ${how}: ${why}${remedy}`;
    }),
    line`missing for running: ${lacking('run')}`,
    line`missing for building: ${lacking('build')}`,
    ...obstacles.map(({ tool, chain, why }) => line`${tool} ${chain.join(' ')} keeps AoE out: ${why}`),
  ].join('\n');
}

export function describeChanges(
  changes: readonly { title: string; commands: readonly string[][] }[],
): string {
  return changes
    .flatMap(({ title, commands }) => [line`- ${title}`, ...commands.map((argv) => `    ${showArgv(argv)}`)])
    .join('\n');
}

export function describeUndone(undone: readonly Undone[]): string {
  return undone
    .flatMap(({ title, failure }) => [
      line`${failure === undefined ? 'undone' : 'NOT undone'}: ${title}`,
      ...(failure === undefined ? [] : failure.split('\n').map((said) => line`  ${said}`)),
    ])
    .join('\n');
}
