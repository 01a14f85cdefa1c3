/** What the role is told: of all hosts, and of each. No I/O but templates of this package. */
import { formatAddress } from '../../aoe/index.js';
import { digestOf } from '../../digest.js';
import { type ExportEntry, exportId } from '../../target/entry.js';
import { loopServiceName } from '../../target/persist/names.js';
import { draftPersistence, type PersistDraft } from '../../target/persist/render.js';
import { ofExport, type Service } from '../../target/persist/services.js';
import type { DaemonVariables, ExportVariables } from '../../target/variables.js';
import { render } from '../../templating.js';
import type { Lab, LabExport } from '../lab.js';
import type { AnsibleBuild, BuildOf } from './builds.js';
import { STATE } from './faults.js';
import { staticEntry } from './static-entry.js';

/** Of all hosts. */
export function labVariables(lab: Lab, builds: readonly AnsibleBuild[], node: string): object {
  return {
    aoe_lab_name: lab.name,
    aoe_lab_state: STATE.folder,
    aoe_lab_node: node,
    aoe_lab_builds: Object.fromEntries(
      builds.map(({ serving, machine, glibc, node, artifacts }) => [
        serving.build,
        {
          machine,
          ...(glibc === undefined ? {} : { glibc }),
          ...(node === undefined ? {} : { node }),
          artifacts: artifacts.map(({ name }) => name),
          // Those that are linked against libraries of the host.
          programs: node === undefined ? artifacts.map(({ name }) => name) : [],
          entry: serving,
        },
      ]),
    ),
  };
}

/** Of one host, and the templates that its files are made of. */
export interface HostVariables {
  variables: object;
  templates: PersistDraft['template'][];
}

export function hostVariables(lab: Lab, host: string, buildOf: BuildOf): HostVariables {
  const own = lab.exports
    .filter((one) => one.host === host)
    .map((one) => ({ one, entry: staticEntry(lab, one, buildOf(one).serving) }))
    // As aoe-lab reads them there, so that it finds its files as it would have made them.
    .sort((a, b) => (exportId(a.entry) < exportId(b.entry) ? -1 : 1));
  const entries = own.map(({ entry }) => entry);
  const { services, drafts } = draftPersistence(STATE, entries, { manager: 'systemd', udev: true });
  const plain = draftPersistence(STATE, entries, { manager: 'systemd', udev: false }).drafts;
  return {
    variables: {
      aoe_lab_exports: own.map(({ one, entry }) => exportVariables(one, entry, services)),
      aoe_lab_services: services.map(serviceVariables),
      aoe_lab_files: drafts.map((draft, index) => fileVariables(draft, plain[index] ?? draft)),
    },
    templates: drafts.map(({ template }) => template),
  };
}

function exportVariables(one: LabExport, entry: ExportEntry, services: readonly Service[]): object {
  const { shelf, slot, iface, options, restart, lab, persist, build, backing } = entry;
  return {
    id: exportId(entry),
    address: formatAddress(one.address),
    file: backing.name,
    kind: backing.kind,
    // Bytes; of a file that is there already, what it has.
    size: one.size ?? null,
    loop: backing.loop,
    loop_service: loopServiceName(STATE, entry),
    force: one.allow === true || (one.allow?.length ?? 0) > 0,
    services: ofExport(services, entry).map(({ name }) => name),
    entry: {
      shelf,
      slot,
      iface,
      options,
      ...(restart === undefined ? {} : { restart }),
      lab,
      persist,
      build,
    },
  };
}

function serviceVariables(service: Service): object {
  const { name, kind, members } = service;
  if (kind !== 'program') return { name, kind };
  const { mark, log, cwd } = service.program;
  const isDaemon = cwd.startsWith(`${STATE.folder}/`);
  return {
    name,
    kind,
    mark,
    log,
    ...(isDaemon ? { folder: cwd.slice(STATE.folder.length + 1) } : {}),
    interfaces: [...new Set(members.map(({ iface }) => iface))],
  };
}

/** @param plain the same file for a host without udev */
function fileVariables(draft: PersistDraft, plain: PersistDraft): object {
  const { path, mode, service, template, variables } = draft;
  return {
    dest: path,
    mode: mode.toString(8).padStart(4, '0'),
    service: service?.name,
    template: `${template.name}.j2`,
    sha256: digestOf(render(template.text, variables)),
    sha256_without_udev: digestOf(render(plain.template.text, plain.variables)),
    variables:
      'exportsJson' in variables ? daemonVariables(variables as DaemonVariables, template.text) : variables,
  };
}

/** Without what is said twice, or the same of every export; JSON as it is, for its digest is that of the whole file. */
function daemonVariables(
  { artifact, exportsJson, exports, ...rest }: DaemonVariables,
  template: string,
): object {
  return template.includes('exportsJson') ? { exportsJson } : { ...rest, exports: exports.map(ownVariables) };
}

function ownVariables({ artifact, node, ownCode, ...rest }: ExportVariables): object {
  return rest;
}
