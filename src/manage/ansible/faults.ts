/** What of a lab Ansible is no help with, each told where the lab's file says it. */

import { posix } from 'node:path';
import type { Fault } from '../../base/document.js';
import { allows } from '../../make/recipe/allows.js';
import { select } from '../../make/recipe/load.js';
import type { Recipe } from '../../make/recipe/schema.js';
import { StateFolder } from '../../serve/exports/entry.js';
import { fleetingFaults } from '../../serve/exports/persist/fleeting.js';
import { SECTOR } from '../../wire/aoe/index.js';
import type { Lab, LabExport } from '../lab/lab.js';

/** Where root's exports are written down on every host. */
export const STATE = new StateFolder('/var/lib/aoe-lab');

/** Names that mean something else in an inventory. */
const TAKEN = ['all', 'ungrouped', 'aoe_lab', 'localhost'];
/** The variables of the host `a` lie in `a.yml`, which are those of a host `a.yml` as well. */
const LIKE_A_FILE = /\.(ya?ml|json)$/;

/** Those of YAML 1.1 that end a line among them, and what its readers refuse. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNPRINTABLE = /[\0-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]/u;

/** Of each export and host, all that stands in the way. */
export function ansibleFaults(lab: Lab, recipes: readonly Recipe[]): Fault[] {
  return [
    ...lab.hosts
      .filter(({ name }) => TAKEN.includes(name) || LIKE_A_FILE.test(name))
      .map(({ name }) => ({
        path: ['hosts', name],
        message: `"${name}" means something else in an inventory of Ansible's: take another name`,
        isName: true,
      })),
    ...lab.exports.flatMap((one, index) =>
      exportFaults(one, recipes).map(([field, message]) => ({ path: ['exports', index, field], message })),
    ),
  ];
}

function exportFaults(one: LabExport, recipes: readonly Recipe[]): [string, string][] {
  const faults: [string, string][] = [];
  const recipe = recipes.find(({ name }) => name === one.implementation);
  if (recipe === undefined) throw new TypeError(`${one.implementation} was looked up before`);
  const { control } = select(recipe, one.release);
  if (control.shape === 'control-file') {
    const why =
      'a kernel module is built for the kernel that its host runs, which only aoe-lab apply asks for';
    return [['implementation', why]];
  }
  if (!one.persist) {
    const what = 'Ansible has systemd keep every export, so that it comes back after a reboot';
    faults.push(['persist', `${what}: say persist: true here or in defaults`]);
  }
  if (!/^[A-Za-z0-9_.-]+$/.test(one.iface)) {
    const what = `"${one.iface}" can't stand in paths of Ansible's`;
    faults.push(['interface', `${what}; letters, digits, dots, dashes and underscores can`]);
  }
  const { file, size } = one;
  if (UNPRINTABLE.test(file))
    faults.push(['file', 'it has characters that are no letters, which are lost on the way']);
  if (file !== posix.normalize(file) || file.endsWith('/')) {
    faults.push(['file', `take the straight path, ${posix.normalize(file).replace(/(.)\/$/, '$1')}`]);
  }
  if (!one.loop && !allows(control.path, file)) {
    const what = `${one.implementation}'s configuration can't express this path: it allows ${control.path}`;
    faults.push(['file', `${what}; loop: true puts a loop device in its place`]);
  }
  for (const what of fleetingFaults(STATE, control, file)) faults.push(['file', what]);
  if (size !== undefined && file.startsWith('/dev/')) {
    faults.push(['size', 'a block device has the size it has: leave it out']);
  } else if (size !== undefined && size % SECTOR !== 0) {
    faults.push(['size', `${size} bytes are no whole number of ${SECTOR}-byte sectors`]);
  }
  return faults;
}
