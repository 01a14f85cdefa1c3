/**
 * What has to run so that exports are there: a service for each interface that was prepared for them, each loop device, each
 * program and each export of a module. No I/O.
 */
import type { PreparedLink } from '../../../hosts/prepare/links.js';
import { type ExportEntry, exportId, type StateFolder } from '../entry.js';
import { type Program, programName, programOf } from '../program.js';
import { linkServiceName, loopLink, loopServiceName, serviceName } from './names.js';

interface Common {
  name: string;
  /** Those it is for. */
  members: readonly ExportEntry[];
  /** Names of those it comes after. */
  needs: string[];
}

export type Service = Common &
  (
    | { kind: 'link'; link: PreparedLink }
    | { kind: 'loop' }
    | { kind: 'module' }
    /** `held`: those that the program is to be started without */
    | { kind: 'program'; program: Program; held: readonly ExportEntry[] }
  );

/** The services of exports, each after those it needs. */
export function servicesOf(state: StateFolder, all: readonly ExportEntry[]): Service[] {
  const entries = all.filter(({ held }) => held === undefined);
  const loops = entries.filter(({ backing }) => backing.loop);
  const modules = entries.filter(({ control }) => control.shape === 'control-file');
  const programs = new Map<string, ExportEntry[]>();
  for (const entry of entries) {
    if (entry.control.shape === 'control-file') continue;
    const name = programName(entry);
    programs.set(name, [...(programs.get(name) ?? []), entry]);
  }
  const needsOf = (members: readonly ExportEntry[]): string[] => [
    ...linksOf(members).map(({ name }) => linkServiceName(state, name)),
    ...members.filter(({ backing }) => backing.loop).map((entry) => loopServiceName(state, entry)),
  ];
  return [
    ...linksOf(entries).map(
      (link): Service => ({
        kind: 'link',
        name: linkServiceName(state, link.name),
        members: entries.filter(({ links }) => links?.some(({ name }) => name === link.name)),
        needs: link.vlan === undefined ? [] : [linkServiceName(state, link.vlan.on)],
        link,
      }),
    ),
    ...loops.map(
      (entry): Service => ({
        kind: 'loop',
        name: loopServiceName(state, entry),
        members: [entry],
        needs: [],
      }),
    ),
    ...modules.map(
      (entry): Service => ({
        kind: 'module',
        name: serviceName(state, exportId(entry)),
        members: [entry],
        needs: needsOf([entry]),
      }),
    ),
    ...[...programs.values()].map((members): Service => {
      const [first] = members as [ExportEntry, ...ExportEntry[]];
      const program = programOf(state, members, keptPath(state, first));
      return {
        kind: 'program',
        name: serviceName(state, program.name),
        members,
        program,
        held: all.filter((entry) => entry.held !== undefined && programName(entry) === program.name),
        needs: needsOf(members),
      };
    }),
  ];
}

/** Each interface once, those below others first: as the export that was made last has it. */
function linksOf(entries: readonly ExportEntry[]): PreparedLink[] {
  const sorted = [...entries].sort((a, b) => (a.since < b.since ? -1 : 1));
  const links = new Map(sorted.flatMap(({ links = [] }) => links.map((link) => [link.name, link])));
  return [...links.values()].sort((a, b) => Number(a.vlan !== undefined) - Number(b.vlan !== undefined));
}

/** What the target of a persistent export opens, at every boot. */
export function keptPath(state: StateFolder, entry: ExportEntry): string {
  return entry.backing.loop ? loopLink(state, entry) : entry.backing.opens;
}

/** The services of one export. */
export function ofExport(services: readonly Service[], entry: ExportEntry): Service[] {
  const id = exportId(entry);
  return services.filter(({ members }) => members.some((member) => exportId(member) === id));
}
