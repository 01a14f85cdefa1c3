import { linesOf, UsageError } from '../../base/errors.js';
import type { Host } from '../../hosts/host/host.js';
import type { Lab } from '../lab/lab.js';
import { writeLab } from '../lab/write.js';
import { drafts, withComments } from './comments.js';
import type { LeftOut } from './found.js';
import { judge } from './judge.js';
import { resolveLoops } from './loops.js';
import { withoutOwn } from './own.js';
import { remarksOn, type Told, toldPlace } from './remarks.js';
import { type Importable, PLACES, readSetups } from './sources.js';

export interface ImportOptions {
  /** Only this one. Default: all that are found. */
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
  /** Exports that can't be taken over for sure. */
  leftOut: LeftOut[];
  /** All that is not taken over as it is, exports that were left out among them. */
  remarks: Told[];
  /** Places that held something. */
  read: string[];
}

/**
 * Reads what targets on a host are configured to export, or do, and says it as a lab. Nothing is changed or run. No export of
 * the lab admits an initiator, a write or another file than the set-up did: one that can't be told for sure is left out.
 * @throws UsageError if nothing is found that can be taken over
 */
export async function importExports(host: Host, options: ImportOptions): Promise<ImportReport> {
  const { from, path, hostName, ssh } = options;
  const { read, ...found } = await readSetups(host, from, path);
  const bare: Lab = { name: options.lab, hosts: [{ name: hostName, ssh }], segments: [], exports: [] };
  const {
    lab,
    leftOut,
    remarks: all,
  } = await judge(bare, await resolveLoops(host, await withoutOwn(host, found)));
  const remarks = remarksOn(all, leftOut);
  if (lab.exports.length === 0) {
    throw new UsageError({
      tried: `looking for exports that targets are configured for on ${host.name}`,
      happened: [
        read.length > 0
          ? `nothing of ${read.join(', ')} can be taken over`
          : path === undefined
            ? `there is nothing in ${PLACES.join(', ')}`
            : `there is nothing at ${path}`,
        ...remarks.map((remark) => `${toldPlace(remark)}: ${remark.text}`),
        ...drafts(hostName, leftOut).flatMap(linesOf),
      ],
      next: [
        'name another file or folder by --path, and its target by --from where it could be of several',
        ...(leftOut.length > 0 ? ['complete what is left out, and write the lab by hand'] : []),
      ],
    });
  }
  return { lab, text: withComments(writeLab(lab), hostName, read, remarks, leftOut), leftOut, remarks, read };
}
