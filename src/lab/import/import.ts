import { LabError } from '../../errors.js';
import { escapeLine } from '../../escape.js';
import type { Host } from '../../host/host.js';
import { effective, findRelease, loadRecipe } from '../../recipe/load.js';
import { completeLab } from '../check.js';
import { clashes } from '../clashes.js';
import type { Lab, LabExport } from '../lab.js';
import { writeLab } from '../write.js';
import { type FoundExport, placeOf, type Remark } from './found.js';
import { IMPORTABLE, type Importable, PLACES, readSetup } from './sources.js';

export interface ImportOptions {
  /** Only this one; all that are found otherwise. */
  from?: Importable | undefined;
  /** File or folder, where it is not the usual one. */
  path?: string | undefined;
  /** Name of the lab. */
  lab: string;
  /** How the lab calls the host, and how it is reached. */
  hostName: string;
  ssh: string;
}

export interface ImportReport {
  lab: Lab;
  /** The lab as a file, with all remarks as comments. */
  text: string;
  /** What could not be taken over as it is. */
  remarks: Remark[];
  /** Places that were there. */
  read: string[];
}

/**
 * Reads what targets on a host are configured to export, and says it as a lab. Nothing is changed or run.
 * @throws LabError if there is no configuration, or it exports nothing
 */
export async function importExports(host: Host, options: ImportOptions): Promise<ImportReport> {
  const { from, path, hostName, ssh } = options;
  const read: string[] = [];
  const found: FoundExport[] = [];
  const remarks: Remark[] = [];
  const looked = (from === undefined ? IMPORTABLE : [from]).map((one) => ({ one, at: path ?? PLACES[one] }));
  for (const { one, at } of looked) {
    const setup = await readSetup(host, one, at);
    if (setup === undefined) continue;
    read.push(at);
    found.push(...setup.exports);
    remarks.push(...setup.remarks);
  }
  const usable = found.filter((one) => isSayable(one, remarks));
  if (usable.length === 0) {
    throw new LabError({
      tried: `looking for exports that targets are configured for on ${host.name}`,
      happened: [
        read.length === 0
          ? `there is none of ${looked.map(({ at }) => at).join(', ')}`
          : `${read.join(', ')} export nothing that can be taken over`,
        ...remarks.map((remark) => `${placeOf(remark)}: ${remark.text}`),
      ].join('\n'),
      next: 'name another file by --from IMPL --path FILE',
    });
  }
  const exports = await Promise.all(
    usable.map(async (one, index) => ({
      ...(await labExport(one, hostName, remarks)),
      // One device on several interfaces was one device there too.
      ...(usable.slice(0, index).some((other) => isSameDevice(one, other)) ? { force: true } : {}),
    })),
  );
  const lab: Lab = { name: options.lab, hosts: [{ name: hostName, ssh }], segments: [], exports };
  const faults = [...clashes(exports), ...(await completeLab(lab)).faults];
  for (const {
    path: [kind, index],
    message,
  } of faults) {
    const place = kind === 'exports' ? usable[Number(index)]?.place : undefined;
    remarks.push({
      ...(place ?? { file: 'lab' }),
      text: `to be mended before it can be applied: ${escapeLine(message)}`,
    });
  }
  return { lab, text: withRemarks(writeLab(lab), read, remarks), remarks, read };
}

function isSameDevice(one: FoundExport, other: FoundExport): boolean {
  return placeOf(one.place) === placeOf(other.place) && one.path === other.path && one.iface !== other.iface;
}

/** Whether a lab can name its path and interface at all. */
function isSayable({ path, iface, place }: FoundExport, remarks: Remark[]): boolean {
  if (!path.startsWith('/')) {
    remarks.push({ ...place, text: `${JSON.stringify(path)} is no absolute path: left out` });
    return false;
  }
  if (!/^[^\s/:]{1,15}$/.test(iface)) {
    remarks.push({ ...place, text: `${JSON.stringify(iface)} is no name of an interface: left out` });
    return false;
  }
  return true;
}

async function labExport(one: FoundExport, hostName: string, remarks: Remark[]): Promise<LabExport> {
  const { implementation, release, shelf, slot, iface, path, options, restart, persist, place } = one;
  const recipe = await loadRecipe(implementation);
  const { control } = effective(recipe, findRelease(recipe, release));
  // What another configuration can quote, the one that aoe-lab renders may not.
  const loop = control.path !== undefined && !new RegExp(control.path).test(path);
  if (loop)
    remarks.push({ ...place, text: `${path} gets a loop device: the configuration can't hold that path` });
  return {
    host: hostName,
    address: { shelf, slot },
    implementation,
    ...(release === undefined ? {} : { release }),
    iface,
    file: path,
    ...(loop ? { loop } : {}),
    options,
    ...(restart === undefined ? {} : { restart }),
    ...(persist === undefined ? {} : { persist }),
  };
}

function withRemarks(text: string, read: readonly string[], remarks: readonly Remark[]): string {
  const head = [
    `Imported from ${read.join(', ')}.`,
    ...(remarks.length === 0 ? [] : ['What could not be taken over as it is:']),
    ...remarks.map((remark) => `- ${placeOf(remark)}: ${remark.text}`),
  ];
  const end = text.indexOf('\n') + 1;
  return `${text.slice(0, end)}${head.map((line) => `# ${escapeLine(line)}\n`).join('')}${text.slice(end)}`;
}
