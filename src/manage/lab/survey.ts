/** What the hosts of a lab have, and who answers on its segments; asked in parallel, changing nothing. */
import pLimit from 'p-limit';
import { expectedError } from '../../base/system-errors.js';
import type { Host } from '../../hosts/host/host.js';
import { EntryStore, requireReadable } from '../../serve/exports/entry.js';
import type { Network } from '../../serve/exports/network.js';
import { withNetwork } from '../../serve/exports/rivals.js';
import { exportStatus } from '../../serve/exports/status.js';
import { surveyFor } from '../../serve/exports/suitability.js';
import { discover } from '../../wire/initiator/discover.js';
import { withLink } from '../../wire/initiator/session.js';
import type { SegmentAnswers } from './actions.js';
import { type Lab, type LabExport, type LabHost, type LabSegment, segmentInterface } from './lab.js';
import type { HostPlace } from './places.js';
import type { HostState } from './plan.js';
import type { Readiness } from './readiness.js';

/** How a host is reached by what the lab says of it. */
export type Reach = (ssh: string) => Promise<Host>;

export interface Survey {
  /** The hosts that could be reached, by name. */
  hosts: Map<string, Host>;
  states: HostState[];
  segments: SegmentAnswers[];
}

/** @param parallel hosts at once */
export async function surveyLab(lab: Lab, reach: Reach, parallel: number): Promise<Survey> {
  const limit = pLimit(parallel);
  const hosts = new Map<string, Host>();
  const look = async ({ name, ssh }: LabHost): Promise<HostState> => {
    try {
      const host = await reach(ssh);
      const { exports, unreadable } = await exportStatus(host);
      requireReadable(host, unreadable);
      const own = lab.exports.filter((one) => one.host === name);
      const [places, readiness] = await Promise.all([
        lookAtPlaces(host, new Set(own.map(({ netns }) => netns))),
        readinessOf(host, own),
      ]);
      hosts.set(name, host);
      return { host: name, exports, places, readiness };
    } catch (error) {
      const known = expectedError(error);
      if (known === undefined) throw error;
      return { host: name, error: known.message };
    }
  };
  const asked = lab.segments.filter(({ name }) => lab.exports.some(({ segment }) => segment === name));
  const [states, segments] = await Promise.all([
    Promise.all(lab.hosts.map((host) => limit(() => look(host)))),
    Promise.all(asked.map((segment) => askSegment(lab, segment))),
  ]);
  return { hosts, states, segments };
}

async function readinessOf(host: Host, own: readonly LabExport[]): Promise<Readiness> {
  const store = await EntryStore.open(host);
  const files = own.map(({ file }) => file);
  return { storage: await surveyFor(store, files), entries: await store.all() };
}

async function lookAtPlaces(host: Host, namespaces: Iterable<string | undefined>): Promise<HostPlace[]> {
  return withNetwork(await EntryStore.open(host), (network) =>
    Promise.all([...namespaces].map((netns) => lookAtPlace(network, netns))),
  );
}

async function lookAtPlace(network: Network, netns: string | undefined): Promise<HostPlace> {
  try {
    const interfaces = await network.interfaces(netns);
    return { netns, interfaces, foreign: await network.foreign(netns) };
  } catch (error) {
    const known = expectedError(error);
    if (known === undefined) throw error;
    const { happened, next } = known.facts;
    const advice = typeof next === 'string' ? next : (next?.[0] ?? null);
    return { netns, interfaces: [], foreign: [], fault: { happened, next: advice } };
  }
}

/** Asks from the hosts of the lab that are this machine: only here can packet sockets be opened. */
async function askSegment(lab: Lab, segment: LabSegment): Promise<SegmentAnswers> {
  for (const host of lab.hosts) {
    const iface = segmentInterface(segment, host);
    if (host.ssh !== 'here' || iface === undefined) continue;
    const { netns } = segment;
    try {
      const found = await withLink({ iface, netns }, (link) => discover(link));
      const answers = found.map(({ shelf, slot, mac }) => ({ shelf, slot, mac }));
      return { segment: segment.name, askedFrom: `${iface} of ${host.name}`, answers };
    } catch (error) {
      // No such interface, it is down, or no right to packet sockets: then this is no place to ask from.
      if (expectedError(error) === undefined) throw error;
    }
  }
  return { segment: segment.name, askedFrom: null, answers: [] };
}
