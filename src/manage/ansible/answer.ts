/** What the role is answered that has looked at a host: what stands in the way, and the scripts that do the rest. No I/O. */
import { z } from 'zod';
import { UsageError } from '../../base/errors.js';
import { escapeLine } from '../../base/escape.js';
import { StateFolder } from '../../serve/exports/entry.js';
import { type BuildFacts, type HostPlan, planHost } from './judge.js';
import { parseLook } from './look.js';
import { finishScript, forgetScript, prepareScript, stopScript } from './scripts.js';
import type { AnsibleExport } from './wanted.js';

/** Changes where a role that was rendered before could not be answered any more. */
export const FORMAT = 1;

const Question = z.object({
  format: z.literal(FORMAT),
  host: z.string(),
  lab: z.string(),
  state: z.string().regex(/^\//),
  node: z.string(),
  /** As they were rendered from a lab that was checked. */
  exports: z.array(z.custom<AnsibleExport>((value) => typeof value === 'object' && value !== null)),
  builds: z.record(
    z.string(),
    z.custom<BuildFacts>((value) => typeof value === 'object' && value !== null),
  ),
  elsewhere: z.array(z.object({ shelf: z.number(), slot: z.number() })),
  removeFiles: z.boolean(),
  patience: z.coerce.number().positive(),
  /** What the script of look.ts printed, and the names that it was given. */
  look: z.string(),
  names: z.array(z.string()),
  /** What `prepare` printed; empty before it ran. */
  made: z.string(),
});

export interface Answer {
  troubles: string[];
  warnings: string[];
  /** Names that the host must be asked about as well; then the rest tells nothing. */
  more: string[];
  ends: boolean;
  due: boolean;
  /** `prepare` makes files: what it printed must be judged once more before `finish`. */
  makes: boolean;
  leaves: boolean;
  /** Builds to unpack. */
  builds: string[];
  /** Services that (re)start. */
  starting: string[];
  files: { path: string; mode: string; text: string }[];
  /** Scripts, and texts of files, are in base64: nothing of them is ever taken for a template. */
  stop: string;
  prepare: string;
  finish: string;
  forget: string;
}

/** A role that does not look at what stands in the way must not take it for done. */
const NOTHING = 'echo "aoe-lab: something stands in the way, so nothing is done" >&2; exit 1';

/** @throws UsageError if it is no question of a role of this version @throws LabError if the host could not be asked */
export function answer(question: unknown): Answer {
  const parsed = Question.safeParse(question);
  if (!parsed.success) {
    throw new UsageError({
      tried: 'reading what a role of Ansible asks',
      happened: parsed.error.issues
        .slice(0, 5)
        .map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`)
        .join('\n'),
      next: 'aoe-lab render ansible again: the role is of another version, or this command was called by hand',
    });
  }
  const { host, state: folder, look: printed, removeFiles, patience, ...asked } = parsed.data;
  const state = new StateFolder(folder);
  const look = parseLook(host, folder, printed, asked.names);
  const plan = planHost({ ...asked, state, look });
  const all = { plan, look, state, builds: asked.builds, removeFiles, patience };
  const isOpen = plan.troubles.length > 0 || plan.more.length > 0;
  return {
    troubles: plan.troubles.map(told),
    warnings: plan.warnings.map(told),
    more: plan.more,
    ends: plan.ending.length + plan.surplus.length + plan.paused.length > 0,
    due: plan.isDue,
    makes: plan.making.some(({ making }) => making !== undefined),
    leaves: leavesSomething(plan),
    builds: plan.builds,
    starting: [...plan.restarting, ...plan.starting],
    files: plan.writing.map(({ path, mode, text }) => ({
      path,
      mode: mode.toString(8).padStart(4, '0'),
      text: coded(text),
    })),
    stop: coded(isOpen ? NOTHING : stopScript(all)),
    prepare: coded(isOpen ? NOTHING : prepareScript(all)),
    finish: coded(isOpen ? NOTHING : finishScript(all)),
    forget: coded(isOpen ? NOTHING : forgetScript(all)),
  };
}

function leavesSomething({ isLast, ending, stale, outdated, surplus, orphaned }: HostPlan): boolean {
  return isLast || [ending, stale, outdated, surplus, orphaned].some((list) => list.length > 0);
}

/** As Ansible shows it: one line. Characters: findings, paths and the way out. */
function told(text: string): string {
  return escapeLine(text.replaceAll('\n', '; '), 4000);
}

function coded(text: string): string {
  return Buffer.from(text).toString('base64');
}
