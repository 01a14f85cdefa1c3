/** What serves a lab's exports, built here for hosts that nobody asks: the playbook sees whether it runs there. */

import { here } from '../../hosts/host/local.js';
import { findToolchain } from '../../make/compile/toolchain.js';
import { nodeRange, runsOwnCode, servedByOwnCode } from '../../serve/exports/own-code.js';
import { type ServingFields, servingFields } from '../../serve/exports/plan.js';
import { type ProvideOptions, provide } from '../../serve/exports/provide.js';
import type { Served } from '../../serve/exports/served.js';
import type { Lab, LabExport } from '../lab/lab.js';

export interface AnsibleBuild {
  serving: ServingFields;
  /** On this machine. */
  artifacts: Served['artifacts'];
  /** What a host has to be, as uname(1) says it. */
  machine: string;
  /** The oldest glibc that it runs with; undefined: it needs none. */
  glibc?: string;
  /** The oldest Node that it runs on. */
  node?: string;
}

export interface BuildOptions extends Pick<ProvideOptions, 'offline' | 'onEvent'> {
  /** Told, once, what whoever runs a target should know of its source and its build. */
  onRemark?: (text: string) => void;
}

export type BuildOf = (one: LabExport) => AnsibleBuild;

/**
 * Fetches and builds all that a lab's exports are served by, each once.
 * @param node path of node on the hosts
 * @throws as `provide`
 */
export async function buildsFor(
  lab: Lab,
  node: string,
  { onRemark, ...options }: BuildOptions,
): Promise<BuildOf> {
  const builds = new Map<string, AnsibleBuild>();
  const remarks = new Set<string>();
  for (const one of lab.exports) {
    if (!builds.has(keyOf(one))) builds.set(keyOf(one), await build(one, node, options, remarks));
  }
  for (const text of remarks) onRemark?.(text);
  return (one) => {
    const found = builds.get(keyOf(one));
    if (found === undefined) throw new TypeError(`${one.implementation} was not built`);
    return found;
  };
}

function keyOf({ implementation, release, source, unpinned }: LabExport): string {
  return JSON.stringify([implementation, release, source, unpinned]);
}

async function build(
  { implementation, release, source, unpinned }: LabExport,
  path: string,
  options: Omit<BuildOptions, 'onRemark'>,
  remarks: Set<string>,
): Promise<AnsibleBuild> {
  const provided = await provide(implementation, { release, source, unpinned, ...options });
  for (const text of provided.remarks) remarks.add(text);
  const { machine } = await here.facts();
  if (runsOwnCode(provided.control)) {
    const served = await servedByOwnCode(provided, path);
    const node = (await nodeRange()).replace(/^\D+/, '');
    return { serving: await servingFields(served), artifacts: served.artifacts, machine, node };
  }
  const toolchain = await findToolchain();
  const glibc = toolchain?.libcVersion;
  return {
    serving: await servingFields(provided),
    artifacts: provided.artifacts,
    machine,
    ...(glibc === undefined ? {} : { glibc }),
  };
}
