/** What the role is told: of all hosts, and of each. */
import { join } from 'node:path';
import { programsFolder } from '../../base/files/paths.js';
import { plainName } from '../../serve/storage/backing.js';
import type { Lab } from '../lab/lab.js';
import { FORMAT } from './answer.js';
import type { AnsibleBuild, BuildOf } from './builds.js';
import { STATE } from './faults.js';
import type { BuildFacts } from './judge.js';
import type { AnsibleExport } from './wanted.js';

/** Of all hosts. */
export function labVariables(lab: Lab, builds: readonly AnsibleBuild[], node: string): object {
  return {
    aoe_lab_format: FORMAT,
    aoe_lab_name: lab.name,
    aoe_lab_state: STATE.folder,
    aoe_lab_node: node,
    // On the machine that runs Ansible.
    aoe_lab_command: [process.execPath, join(programsFolder, 'aoe-lab.cjs')],
    aoe_lab_builds: Object.fromEntries(
      builds.map(({ serving, machine, glibc, node, artifacts }): [string, BuildFacts] => [
        serving.build,
        {
          machine,
          ...(glibc === undefined ? {} : { glibc }),
          ...(node === undefined ? {} : { node }),
          artifacts: artifacts.map(({ name }) => name),
          entry: serving,
        },
      ]),
    ),
  };
}

/** Of one host. */
export function hostVariables(lab: Lab, host: string, buildOf: BuildOf): object {
  const own = lab.exports.filter((one) => one.host === host);
  const direct = own.filter(({ options }) => options.directIo).map(({ file }) => plainName(file));
  return {
    aoe_lab_exports: own.map((one): AnsibleExport => {
      const { source: _, ...told } = one;
      return { ...told, build: buildOf(one).serving.build };
    }),
    // Those come first that direct I/O is tried on.
    aoe_lab_names: [...new Set([...direct, ...own.map(({ file }) => plainName(file))])],
    aoe_lab_direct: new Set(direct).size,
  };
}
