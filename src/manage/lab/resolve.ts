/** From what a file says to what is meant: defaults in their places, names looked up, contradictions told. */
import type { Fault } from '../../base/document.js';
import { clashes } from './clashes.js';
import { type Lab, type LabExport, type LabHost, type LabSegment, segmentInterface } from './lab.js';
import type { LabFile } from './schema.js';
import { didYouMean } from './similar.js';

type FileExport = LabFile['exports'][number];

/** @returns the lab, of use only if there are no faults */
export function resolveLab(file: LabFile): { lab: Lab; faults: Fault[] } {
  const faults: Fault[] = [];
  const hosts = Object.entries(file.hosts).map(
    ([name, host]): LabHost => ({
      name,
      ssh: host?.ssh ?? name,
      ...defined({ interfaces: host?.interfaces }),
    }),
  );
  const segments = Object.entries(file.segments ?? {}).map(
    ([name, one]): LabSegment => ({ name, ...defined(one) }),
  );
  const lab: Lab = { name: file.lab, hosts, segments, exports: [] };
  for (const [index, one] of file.exports.entries()) {
    lab.exports.push(
      resolveExport(lab, file, one, (field, message) => {
        const path = ['exports', index];
        faults.push({ path: field === undefined ? path : [...path, field], message });
        return '';
      }),
    );
  }
  faults.push(...sameHosts(hosts), ...unknownSegments(file), ...clashes(lab.exports));
  return { lab, faults };
}

/** @param fault tells what is wrong with a field of the export, or with what it takes from elsewhere */
function resolveExport(
  { hosts, segments }: Lab,
  file: LabFile,
  one: FileExport,
  fault: (field: string | undefined, message: string) => '',
): LabExport {
  const { defaults = {} } = file;
  const implementation =
    one.implementation ??
    defaults.implementation ??
    fault(undefined, 'it names no implementation, and defaults neither');
  const [, own = {}] =
    Object.entries(file.implementations ?? {}).find(([name]) => name === implementation) ?? [];
  const host = one.host ?? defaults.host ?? fault(undefined, 'it names no host, and defaults neither');
  const labHost = hosts.find(({ name }) => name === host);
  if (host !== '' && labHost === undefined) {
    const near = didYouMean(
      host,
      hosts.map(({ name }) => name),
    );
    fault(one.host && 'host', `there is no host ${host}${near}`);
  }
  // One that says its interface is where that is, whatever the defaults say.
  const segmentName = one.segment ?? (one.interface === undefined ? defaults.segment : undefined);
  const segment = segments.find(({ name }) => name === segmentName);
  if (segmentName !== undefined && segment === undefined) {
    const near = didYouMean(
      segmentName,
      segments.map(({ name }) => name),
    );
    fault(one.segment && 'segment', `there is no segment ${segmentName}${near}`);
  }
  const lacking = segment
    ? `segment ${segmentName} has no interface on host ${host}`
    : 'it is on no segment and names no interface';
  const iface =
    one.interface ??
    (segment && segmentInterface(segment, labHost)) ??
    defaults.interface ??
    (segmentName !== undefined && segment === undefined ? '' : fault(undefined, lacking));
  const { release, source, unpinned, size, loop, restart, persist, force, allow } = {
    ...defaults,
    ...own,
    ...one,
  };
  return {
    host,
    address: one.address,
    implementation,
    iface,
    file: one.file,
    options: { ...defined(defaults.options), ...defined(own.options), ...defined(one.options) },
    ...defined({
      release,
      source,
      unpinned,
      segment: segmentName,
      netns: one.netns ?? segment?.netns ?? defaults.netns,
      size,
      loop,
      restart: restart === 'never' ? undefined : restart,
      persist,
      allow: force ? true : allow,
    }),
  };
}

function sameHosts(hosts: readonly LabHost[]): Fault[] {
  return hosts.flatMap(({ name, ssh }, index) => {
    const twin = hosts.slice(0, index).find((other) => other.ssh === ssh);
    return twin === undefined
      ? []
      : [{ path: ['hosts', name], message: `it is the same as host ${twin.name} (${ssh})` }];
  });
}

function unknownSegments(file: LabFile): Fault[] {
  const known = Object.keys(file.segments ?? {});
  return Object.entries(file.hosts).flatMap(([host, one]) =>
    Object.keys(one?.interfaces ?? {})
      .filter((segment) => !known.includes(segment))
      .map((segment) => ({
        path: ['hosts', host, 'interfaces', segment],
        message: `there is no segment ${segment}${didYouMean(segment, known)}`,
        isName: true,
      })),
  );
}

/** Without the fields that are undefined. */
function defined<T extends object>(fields: T | undefined): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(fields ?? {}).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> };
}
