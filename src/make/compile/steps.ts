import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LabError, linesOf } from '../../base/errors.js';
import { render } from '../../base/templating.js';
import { CommandError } from '../../hosts/host/command-error.js';
import { quoteArgv } from '../../hosts/host/quote.js';
import { TREE_TIME } from '../patch/apply.js';
import type { Build } from '../recipe/schema.js';
import { countWarnings, firstError, undefinedSymbols } from './output.js';
import type { Site } from './site.js';
import type { BuildVariables } from './variables.js';

/** Milliseconds that a step may take. */
const LIMIT = 10 * 60_000;

export interface StepsOptions {
  site: Site;
  variables: BuildVariables;
  /** Receives all that the steps print. */
  log: string;
  signal?: AbortSignal | undefined;
  onStep: (command: string, index: number, total: number) => void;
}

/**
 * Runs the steps of a recipe in a patched tree.
 * @returns how many warnings the compiler gave
 * @throws LabError with the compiler's first error
 */
export async function runSteps(build: Build, options: StepsOptions): Promise<number> {
  const { site, variables, log, signal } = options;
  const { folder } = variables;
  const env = environment(build, variables);
  let warnings = 0;
  for (const [index, step] of build.steps.entries()) {
    if (step.ifExists !== undefined && !(await site.has(step.ifExists))) continue;
    if (step.ifMissing !== undefined && (await site.has(step.ifMissing))) continue;
    const argv = step.run.map((word) => render(word, variables));
    const command = quoteArgv(argv);
    options.onStep(command, index + 1, build.steps.length);
    await appendFile(log, `$ ${command}\n`);
    try {
      const { stdout, stderr } = await site.run(argv, {
        cwd: join(folder, step.cwd ?? '.'),
        env,
        log,
        timeout: LIMIT,
        ...(signal === undefined ? {} : { signal }),
      });
      warnings += countWarnings(stdout) + countWarnings(stderr);
      refuseUndefined(`${stdout}\n${stderr}`, command, variables);
    } catch (error) {
      throw error instanceof CommandError ? stepError(error, command, variables) : error;
    }
  }
  return warnings;
}

/** Old kernels only warn of it; no kernel loads such a module. */
function refuseUndefined(output: string, command: string, variables: BuildVariables): void {
  const symbols = undefinedSymbols(output);
  if (symbols.length === 0) return;
  const shown = symbols.slice(0, 5).join(', ');
  throw new LabError({
    tried: `building ${variables.implementation} ${variables.release}: ${command}`,
    happened: `the kernel has no ${shown}${symbols.length > 5 ? ` and ${symbols.length - 5} more` : ''}: it would not load the module`,
    next: 'build for another kernel, or with the whole headers of this one',
  });
}

function environment(build: Build, variables: BuildVariables): Record<string, string> {
  const own = Object.entries(build.env ?? {}).map(([name, value]) => [name, render(value, variables)]);
  return {
    SOURCE_DATE_EPOCH: String(TREE_TIME),
    TZ: 'UTC',
    // A make that started us must not reach into the build.
    // A kernel's Makefile sets CC itself: only what counts as given on the command line prevails.
    MAKEFLAGS:
      variables.moduleCompiler === undefined ? '' : `CC=${variables.moduleCompiler.replaceAll(' ', '\\ ')}`,
    MFLAGS: '',
    MAKELEVEL: '',
    ...Object.fromEntries(own),
  };
}

function stepError(error: CommandError, command: string, variables: BuildVariables): LabError {
  const { implementation, release, folder } = variables;
  const output = `${error.stderr}\n${error.stdout}`.replaceAll(`${folder}/`, '');
  return new LabError({
    tried: `building ${implementation} ${release}: ${command}`,
    happened: linesOf(firstError(output) ?? error.facts.happened),
    next: `\`aoe-lab patch ${implementation} --release ${release} --output DIR\` gives the patched tree, to be tried by hand`,
    cause: error,
  });
}
