/** From what a host is to what has to be changed on it. Nothing is run here. */
import { UsageError } from '../../base/errors.js';
import { passage } from './filters.js';
import { COMMANDS, type Manager } from './managers.js';
import { type Need, needName, type Purpose, packageFor } from './needs.js';
import type { Survey } from './survey.js';

export interface PrepareSpec {
  purposes: readonly Purpose[];
  /** Whether packages may be installed. Default: false, what is missing is named. */
  install: boolean;
  /** The interface that is to carry AoE. Default: no interface is touched. */
  iface?: string | undefined;
  /** Bytes. */
  mtu?: number | undefined;
  /** Number of the VLAN on it that is to carry AoE. */
  vlan?: number | undefined;
}

export interface Change {
  /** The same for the same thing. */
  id: string;
  title: string;
  commands: string[][];
  /** What takes it back, run in this order; of packages, what came in is looked at instead. */
  undo: string[][];
  /** Whether it outlives a reboot. */
  lasts: boolean;
  /** Of packages: the manager that installs them, and which. */
  installs?: { manager: Manager; packages: string[]; next: string[] };
}

export interface Plan {
  changes: Change[];
  /** What stands in the way and is not changed by us, a sentence each. */
  advice: string[];
}

const NEWEST =
  'repositories often hold headers of the newest kernel alone: update the host, boot that, and run this again';

/** Milliseconds two clocks may differ before it is worth a word. */
export const CLOCK_TOLERANCE = 2000;

/**
 * @param folder the host's state folder, if it is missing
 * @throws UsageError for an interface that is not there, or numbers that are none
 */
export function planPreparation(survey: Survey, spec: PrepareSpec, folder: string | undefined): Plan {
  const advice: string[] = [];
  const changes = [
    // First: what is changed is written down there.
    ...(folder === undefined
      ? []
      : [
          {
            id: 'folder',
            title: `make the folder ${folder}`,
            commands: [['mkdir', '-p', folder]],
            undo: [['rmdir', '--ignore-fail-on-non-empty', folder]],
            lasts: true,
          },
        ]),
    ...packageChanges(survey, spec, advice),
    ...interfaceChanges(survey, spec, advice),
    ...survey.obstacles.map((obstacle) => {
      const { command, undo } = passage(obstacle);
      return {
        id: `${obstacle.tool} ${obstacle.chain.join(' ')}`,
        title: `let AoE pass the ${obstacle.tool} chain ${obstacle.chain.join(' ')}: ${obstacle.why}`,
        commands: [command],
        undo: [undo],
        lasts: false,
      };
    }),
    ...clockChanges(survey, advice),
  ];
  return { changes, advice };
}

/** What a host lacks and packages bring: nothing, once they are installed. */
export function lackedNeeds({ manager, kernel, missing }: Survey, purposes: readonly Purpose[]): Need[] {
  if (manager === undefined) return [];
  return missing.filter(
    (need) => purposes.includes(need.purpose) && packageFor(need, manager, kernel) !== undefined,
  );
}

function packageChanges(survey: Survey, spec: PrepareSpec, advice: string[]): Change[] {
  const wanted = survey.missing.filter(({ purpose }) => spec.purposes.includes(purpose));
  if (wanted.length === 0) return [];
  const { manager, kernel } = survey;
  const called = (needs: readonly Need[]): string => needs.map((need) => needName(need, kernel)).join(', ');
  if (manager === undefined) {
    advice.push(`missing: ${called(wanted)}; no package manager is known here: install them by hand`);
    return [];
  }
  const without = wanted.filter((need) => packageFor(need, manager, kernel) === undefined);
  if (without.length > 0) advice.push(`missing: ${called(without)}; ${manager} has no package for it`);
  const namesOf = (needs: readonly Need[]): string[] =>
    [...new Set(needs.flatMap((need) => packageFor(need, manager, kernel) ?? []))].sort();
  if (lackedNeeds(survey, spec.purposes).length === 0) return [];
  if (!spec.install) {
    advice.push(`missing: ${called(wanted)}; --install has ${manager} install ${namesOf(wanted).join(' ')}`);
    return [];
  }
  const { refresh, install } = COMMANDS[manager];
  // Headers by themselves and last: of an older or foreign kernel there may be none, which keeps nothing else from coming.
  return [false, true]
    .map((isHeaders) => ({
      isHeaders,
      packages: namesOf(wanted.filter(({ kind }) => (kind === 'kernel headers') === isHeaders)),
    }))
    .filter(({ packages }) => packages.length > 0)
    .map(({ isHeaders, packages }, index) => ({
      id: `packages ${packages.join(' ')}`,
      title: `install ${packages.join(' ')} by ${manager}`,
      commands: [...(refresh === undefined || index > 0 ? [] : [[...refresh]]), install(packages)],
      undo: [],
      lasts: true,
      installs: { manager, packages, next: [...(isHeaders ? [NEWEST] : []), COMMANDS[manager].next] },
    }));
}

function interfaceChanges(survey: Survey, { iface, mtu, vlan }: PrepareSpec, advice: string[]): Change[] {
  const refuse = (happened: string, next: string): UsageError =>
    new UsageError({ tried: `preparing the interface ${iface ?? ''} of ${survey.hostname}`, happened, next });
  if (iface === undefined) {
    if (mtu === undefined && vlan === undefined) return [];
    throw refuse('none is named', 'name one by --iface');
  }
  const found = survey.interfaces.find(({ name }) => name === iface);
  if (found === undefined) {
    const names = survey.interfaces.map(({ name }) => name).join(', ');
    throw refuse('there is none of that name', `take one of ${names}`);
  }
  if (mtu !== undefined && (mtu < 576 || mtu > 65_535))
    throw refuse(`an MTU of ${mtu} is none`, 'take 1500, or up to 9000');
  if (vlan !== undefined && (vlan < 1 || vlan > 4094))
    throw refuse(`a VLAN has a number from 1 to 4094`, 'take another one');
  const changes: Change[] = [];
  const link = (name: string, title: string, words: string[], undo: string[]): void => {
    changes.push({
      id: `link ${name} ${words[0]}`,
      title,
      commands: [['ip', 'link', 'set', name, ...words]],
      undo: [['ip', 'link', 'set', name, ...undo]],
      lasts: false,
    });
  };
  // A VLAN's frames pass the interface below, which must be as wide.
  if (mtu !== undefined && (vlan === undefined ? found.mtu !== mtu : found.mtu < mtu)) {
    link(
      iface,
      `set the MTU of ${iface} from ${found.mtu} to ${mtu}`,
      ['mtu', `${mtu}`],
      ['mtu', `${found.mtu}`],
    );
  }
  if (!found.up) link(iface, `bring ${iface} up`, ['up'], ['down']);
  else if (!found.carrier) advice.push(`${iface} has no carrier: look at its cable and its other end`);
  if (vlan !== undefined) changes.push(...vlanChanges(survey, iface, vlan, mtu ?? found.mtu));
  if (changes.length > 0) {
    advice.push(
      `${changes.map(({ title }) => title).join(', ')}: until the next boot, unless a persistent export is made on it by then; better have what sets up its network keep that`,
    );
  }
  return changes;
}

function vlanChanges(survey: Survey, iface: string, id: number, mtu: number): Change[] {
  const there = survey.interfaces.find(({ vlan }) => vlan?.on === iface && vlan.id === id);
  if (there !== undefined) {
    const { name } = there;
    return there.up
      ? []
      : [
          {
            id: `link ${name} up`,
            title: `bring ${name} up`,
            commands: [['ip', 'link', 'set', name, 'up']],
            undo: [['ip', 'link', 'set', name, 'down']],
            lasts: false,
          },
        ];
  }
  const name = `${iface}.${id}`;
  return [
    {
      id: `vlan ${name}`,
      title: `make ${name}, VLAN ${id} on ${iface}`,
      commands: [
        ['ip', 'link', 'add', 'link', iface, 'name', name, 'mtu', `${mtu}`, 'type', 'vlan', 'id', `${id}`],
        ['ip', 'link', 'set', name, 'up'],
      ],
      undo: [['ip', 'link', 'del', name]],
      lasts: false,
    },
  ];
}

function clockChanges({ clock, keepsTime }: Survey, advice: string[]): Change[] {
  const apart = Math.abs(clock.ahead) - clock.uncertainty;
  if (apart <= CLOCK_TOLERANCE) return [];
  const seconds = `${(Math.abs(clock.ahead) / 1000).toFixed(1)} s ${clock.ahead > 0 ? 'ahead of' : 'behind'} this machine's`;
  if (keepsTime !== false) {
    advice.push(`its clock is ${seconds}: set one of them, or have NTP keep them`);
    return [];
  }
  return [
    {
      id: 'time',
      title: `have NTP keep the time: its clock is ${seconds}`,
      commands: [['timedatectl', 'set-ntp', 'true']],
      undo: [['timedatectl', 'set-ntp', 'false']],
      lasts: true,
    },
  ];
}
