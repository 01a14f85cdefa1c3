/** A lab as files for Ansible: an inventory, playbooks and a role. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../../base/files/paths.js';
import type { Lab } from '../lab/lab.js';
import { archiveOf } from './archive.js';
import type { AnsibleBuild, BuildOf } from './builds.js';
import { inventory, type Reach } from './inventory.js';
import { LOOK_SCRIPT } from './look.js';
import { hostVariables, labVariables } from './variables.js';
import { toYaml } from './yaml.js';

export interface AnsibleOptions {
  /** Of the hosts, by name. */
  reach: ReadonlyMap<string, Reach>;
  buildOf: BuildOf;
  /** Path of node on the hosts. */
  node: string;
}

const ROLE = 'roles/aoe_lab';

/** @returns path below the folder → content */
export async function renderAnsible(
  lab: Lab,
  { reach, buildOf, node }: AnsibleOptions,
): Promise<Map<string, string | Buffer>> {
  const files = new Map<string, string | Buffer>(await givenFiles());
  const builds = new Map<string, AnsibleBuild>();
  for (const one of lab.exports) builds.set(buildOf(one).serving.build, buildOf(one));
  const head = `Written by aoe-lab render from the lab ${lab.name}: change its lab.yaml, and render again.`;
  files.set('inventory.yml', toYaml(inventory(lab, reach), head));
  files.set('group_vars/aoe_lab.yml', toYaml(labVariables(lab, [...builds.values()], node), head));
  for (const { name } of lab.hosts) {
    files.set(`host_vars/${name}.yml`, toYaml(hostVariables(lab, name, buildOf), head));
  }
  files.set(`${ROLE}/files/look.sh`, LOOK_SCRIPT);
  for (const [name, build] of builds) files.set(`${ROLE}/files/${name}.tar.gz`, await archiveOf(build));
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** What is the same for every lab. */
async function givenFiles(): Promise<[string, string][]> {
  const folder = join(packageRoot, 'templates', 'ansible');
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  return Promise.all(
    found
      .filter((one) => one.isFile())
      .map(async ({ parentPath, name }): Promise<[string, string]> => {
        const path = join(parentPath, name);
        return [path.slice(folder.length + 1), await readFile(path, 'utf8')];
      }),
  );
}
