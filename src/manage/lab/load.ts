/** A lab from its file: parsed, variables put in, checked, defaults resolved. All that is wrong is told at once. */
import { type DocumentFault, type Fault, faultsOf, openDocument } from '../../base/document.js';
import { UsageError } from '../../base/errors.js';
import { readTextFile } from '../../base/files/text-file.js';
import { completeLab } from './check.js';
import type { Lab } from './lab.js';
import { resolveLab } from './resolve.js';
import { LabFile } from './schema.js';
import { suggestField } from './suggest.js';
import { substitute } from './variables.js';

/** A lab.yaml that can't be used, with all its faults. */
export class LabFileError extends UsageError {
  readonly faults: readonly DocumentFault[];

  constructor(file: string, faults: readonly DocumentFault[]) {
    super({
      tried: `reading ${file}`,
      happened: faults.map(
        ({ line, column, field, reason }) => `${file}:${line}:${column}: ${field || 'document'}: ${reason}`,
      ),
      next: 'correct these fields; recipes/lab.schema.json describes them and lets an editor check them',
    });
    this.faults = faults;
  }
}

/**
 * Reads a lab.
 * @param variables of the command line
 * @param further what else may be wrong with it, where it is to be used in a way that has demands of its own
 * @throws LabFileError with every fault · UsageError if there is no such file
 */
export async function loadLab(
  file: string,
  variables: Readonly<Record<string, string>> = {},
  further: (lab: Lab) => Promise<Fault[]> = async () => [],
): Promise<Lab> {
  const text = await readTextFile(file, 'name the file of the lab by -f FILE');
  const outcome = parseLab(file, text, variables);
  if ('faults' in outcome) throw new LabFileError(file, outcome.faults);
  const { lab, faults } = await completeLab(outcome.lab);
  const all = faults.length > 0 ? faults : await further(lab);
  if (all.length > 0) throw new LabFileError(file, outcome.place(all));
  return lab;
}

/** Parses a lab's text. What depends on recipes is not looked at. */
export function parseLab(
  file: string,
  text: string,
  variables: Readonly<Record<string, string>> = {},
): { lab: Lab; place(faults: readonly Fault[]): DocumentFault[] } | { faults: DocumentFault[] } {
  const opened = openDocument(file, text);
  if ('faults' in opened) return opened;
  const { document, place } = opened;
  const missing = substitute(document, variables);
  const content = opened.content();
  if ('faults' in content) return content;
  const outcome = LabFile.safeParse(content.value);
  if (!outcome.success) {
    const faults = outcome.error.issues.flatMap(faultsOf).map(suggestField);
    return {
      faults: place([
        ...missing,
        ...faults.filter(({ path }) => !missing.some((one) => isSame(one.path, path))),
      ]),
    };
  }
  const { lab, faults } = resolveLab(outcome.data);
  const all = [...missing, ...faults];
  return all.length > 0 ? { faults: place(all) } : { lab, place };
}

function isSame(one: readonly PropertyKey[], other: readonly PropertyKey[]): boolean {
  return one.length === other.length && one.every((part, index) => part === other[index]);
}
