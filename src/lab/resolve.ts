/** From what a file says to what is meant: defaults in their places, names looked up, contradictions told. */
import type { Fault } from '../document.js';
import { exportId } from '../target/entry.js';
import { addressOf, type Lab, type LabExport, type LabHost, type LabSegment } from './lab.js';
import type { LabFile } from './schema.js';
import { didYouMean } from './similar.js';

type FileExport = LabFile['exports'][number];

/** @returns the lab, of use only if there are no faults */
export function resolveLab(file: LabFile): { lab: Lab; faults: Fault[] } {
  const faults: Fault[] = [];
  const hosts = Object.entries(file.hosts).map(([name, host]): LabHost => ({ name, ssh: host?.ssh ?? name }));
  const segments = Object.entries(file.segments ?? {}).map(
    ([name, one]): LabSegment => ({ name, ...defined(one) }),
  );
  const exports = file.exports.map((one, index) => resolveExport(file, one, index, faults));
  const lab = { name: file.lab, hosts, segments, exports };
  faults.push(...sameHosts(hosts), ...unknownSegments(file), ...clashes(exports));
  return { lab, faults };
}

function resolveExport(file: LabFile, one: FileExport, index: number, faults: Fault[]): LabExport {
  const path = ['exports', index] as const;
  const { defaults = {}, implementations = {}, segments = {} } = file;
  const fault = (field: string | undefined, message: string): string => {
    faults.push({ path: field === undefined ? path : [...path, field], message });
    return '';
  };
  const implementation = one.implementation ?? defaults.implementation;
  const own = implementations[implementation ?? ''] ?? {};
  const { options: _, address, file: backing, ...said } = { ...defaults, ...own, ...one };
  const host = said.host ?? fault(undefined, 'it names no host, and defaults neither');
  const known = file.hosts[host];
  if (host !== '' && known === undefined) {
    fault(one.host && 'host', `there is no host ${host}${didYouMean(host, Object.keys(file.hosts))}`);
  }
  // One that says its interface is where that is, whatever the defaults say.
  const segmentName = one.segment ?? (one.interface === undefined ? defaults.segment : undefined);
  const segment = segmentName === undefined ? undefined : segments[segmentName];
  if (segmentName !== undefined && segment === undefined) {
    const near = didYouMean(segmentName, Object.keys(segments));
    fault(one.segment && 'segment', `there is no segment ${segmentName}${near}`);
  }
  const iface =
    one.interface ??
    (segmentName === undefined
      ? defaults.interface
      : (known?.interfaces?.[segmentName] ?? (segment && interfaceOf(segment)) ?? defaults.interface));
  const netns = said.netns ?? segment?.netns;
  const { release, source, size, loop, restart, persist, force } = said;
  return {
    host,
    address,
    implementation: implementation ?? fault(undefined, 'it names no implementation, and defaults neither'),
    iface:
      iface ??
      fault(
        undefined,
        segment === undefined
          ? 'it is on no segment and names no interface'
          : `segment ${segmentName} has no interface on host ${host}`,
      ),
    file: backing,
    options: { ...defined(defaults.options), ...defined(own.options), ...defined(one.options) },
    ...defined({
      release,
      source,
      segment: segmentName,
      netns,
      size,
      loop,
      restart: restart === 'never' ? undefined : restart,
      persist,
      force,
    }),
  };
}

function interfaceOf({
  interface: name,
  vlan,
}: NonNullable<LabFile['segments']>[string]): string | undefined {
  return name === undefined || vlan === undefined ? name : `${name}.${vlan}`;
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

/** Two that answer for one address, and two that write to one file. */
function clashes(exports: readonly LabExport[]): Fault[] {
  const faults: Fault[] = [];
  const addresses = new Map<string, number>();
  const files = new Map<string, number>();
  for (const [index, one] of exports.entries()) {
    const path = ['exports', index] as const;
    const address = addressOf(one);
    const places = [`${one.host} ${exportId({ ...one.address, ...one })}`];
    if (one.segment !== undefined) places.push(`segment ${one.segment} ${address}`);
    const taken = places.map((place) => addresses.get(place)).find((found) => found !== undefined);
    if (taken !== undefined) {
      const where = one.segment === undefined ? `${one.iface} of ${one.host}` : `segment ${one.segment}`;
      const message = `${address} is taken on ${where} by exports[${taken}] (${exports[taken]?.file} of ${exports[taken]?.host})`;
      faults.push({ path: [...path, 'address'], message });
    }
    for (const place of places) if (!addresses.has(place)) addresses.set(place, index);
    const file = `${one.host} ${one.file}`;
    const first = files.get(file);
    const other = first === undefined ? undefined : exports[first];
    if (other === undefined) files.set(file, index);
    else if (!one.force && !(one.options.readOnly && other.options.readOnly)) {
      const message = `exports[${first}] (${addressOf(other)}) writes to it too; \`force: true\` allows that`;
      faults.push({ path: [...path, 'file'], message });
    }
  }
  return faults;
}

/** Without the fields that are undefined. */
function defined<T extends object>(fields: T | undefined): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(fields ?? {}).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> };
}
