/** What has to run so that exports are there: a service for each loop device, each program and each export of a module. No I/O. */
import { type ExportEntry, exportId, type StateFolder } from '../entry.js';
import { type Program, programName, programOf } from '../program.js';
import { loopLink, loopServiceName, serviceName } from './names.js';

interface Common {
  name: string;
  /** Those it is for. */
  members: readonly ExportEntry[];
}

export type Service = Common &
  (
    | { kind: 'loop' }
    | { kind: 'module'; loops: string[] }
    | { kind: 'program'; program: Program; loops: string[] }
  );

/** The services of exports, each after those it needs. */
export function servicesOf(state: StateFolder, entries: readonly ExportEntry[]): Service[] {
  const loops = entries.filter(({ backing }) => backing.loop);
  const modules = entries.filter(({ control }) => control.shape === 'control-file');
  const programs = new Map<string, ExportEntry[]>();
  for (const entry of entries) {
    if (entry.control.shape === 'control-file') continue;
    const name = programName(entry);
    programs.set(name, [...(programs.get(name) ?? []), entry]);
  }
  const loopsOf = (members: readonly ExportEntry[]): string[] =>
    members.filter(({ backing }) => backing.loop).map((entry) => loopServiceName(state, entry));
  return [
    ...loops.map(
      (entry): Service => ({ kind: 'loop', name: loopServiceName(state, entry), members: [entry] }),
    ),
    ...modules.map(
      (entry): Service => ({
        kind: 'module',
        name: serviceName(state, exportId(entry)),
        members: [entry],
        loops: loopsOf([entry]),
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
        loops: loopsOf(members),
      };
    }),
  ];
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
