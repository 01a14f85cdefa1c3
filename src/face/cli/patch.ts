import type { Command } from 'commander';
import { UsageError } from '../../base/errors.js';
import type { PatchPlan, PlannedPatch } from '../../make/patch/plan.js';
import type { FileChange } from '../../make/patch/tree-view.js';
import type { SourceTree } from '../../make/source/fetch.js';
import { line } from '../ui/colors.js';

interface Options {
  release?: string;
  source?: string;
  offline?: boolean;
  kernel?: string;
  dryRun?: boolean;
  output?: string;
  json?: boolean;
  verbose?: boolean;
}

export function register(program: Command): void {
  program
    .command('patch')
    .description('patch the source of an implementation, or show what that would change (-v: as a diff)')
    .argument('<IMPL>', 'implementation, see aoe-lab list')
    .option('--release <VERSION>', 'release of the implementation')
    .option('--source <WHERE>', 'your copy of the source: a folder, an archive or a URL')
    .option('--offline', 'use only what the store has')
    .option('--kernel <VERSION>', 'kernel that is built for, such as 2.6.18 or 6.1')
    .option('--dry-run', 'show what would change and why; write nothing')
    .option('--output <DIR>', 'folder for the patched tree; it must not exist or be empty')
    .option('--json', 'print JSON')
    .action(async (impl: string, _own: Options, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      checkUse(impl, options);
      const [{ select, loadRecipe }, { fetchSource }, { planPatches }, { findToolchain }, { print }] =
        await Promise.all([
          import('../../make/recipe/load.js'),
          import('../../make/source/fetch.js'),
          import('../../make/patch/plan.js'),
          import('../../make/compile/toolchain.js'),
          import('../ui/output.js'),
        ]);
      const recipe = await loadRecipe(impl);
      const selected = select(recipe, options.release);
      const { source, offline, kernel } = options;
      const tree = await fetchSource(selected, {
        ...(source === undefined ? {} : { source }),
        ...(offline === undefined ? {} : { offline }),
      });
      const toolchain = await findToolchain();
      const plan = await planPatches(selected, tree.folder, {
        ...(kernel === undefined ? {} : { kernel }),
        ...(toolchain === undefined ? {} : { compiler: toolchain.version, libc: toolchain.libc }),
      });
      const output = options.dryRun ? undefined : (options.output as string);
      if (output !== undefined) {
        const [{ applyPatches }, { resolve }] = await Promise.all([
          import('../../make/patch/apply.js'),
          import('node:path'),
        ]);
        await applyPatches(plan, resolve(output));
      }
      const diffs =
        options.verbose && !options.json ? await describeAll(plan) : new Map<FileChange, string>();
      print(asJson(plan, tree, output), options, () => summary(plan, tree, output, diffs));
    });
}

function checkUse(impl: string, { kernel, dryRun, output }: Options): void {
  const tried = `patching ${impl}`;
  if (kernel !== undefined && !/^\d+(\.\d+)+/.test(kernel)) {
    throw new UsageError({
      tried,
      happened: `"${kernel}" is no version of a kernel`,
      next: 'give one such as --kernel 2.6.18 or --kernel 6.1',
    });
  }
  if (!dryRun && output === undefined) {
    throw new UsageError({
      tried,
      happened: 'nothing says where the patched tree should go',
      next: ['--output DIR writes it there', '--dry-run shows what would change'],
    });
  }
}

function asJson(plan: PatchPlan, tree: SourceTree, output: string | undefined): object {
  return {
    implementation: plan.implementation,
    release: plan.release,
    source: { digest: tree.digest, location: tree.location, pinned: tree.pinned, folder: tree.folder },
    patches: plan.patches.map(({ id, form, why, applies, reason, files }) => ({
      id,
      form,
      why,
      applies,
      reason,
      files: files.map(({ path, change, lines, offsets }) => ({ path, change, lines, offsets })),
    })),
    ...(output === undefined ? {} : { output }),
  };
}

async function describeAll(plan: PatchPlan): Promise<Map<FileChange, string>> {
  const { describeChange } = await import('../ui/diff.js');
  const files = plan.patches.flatMap((patch) => patch.files);
  return new Map(await Promise.all(files.map(async (file) => [file, await describeChange(file)] as const)));
}

function summary(
  plan: PatchPlan,
  tree: SourceTree,
  output: string | undefined,
  diffs: ReadonlyMap<FileChange, string>,
): string {
  const applying = plan.patches.filter(({ applies }) => applies).length;
  const verb = output === undefined ? 'apply' : 'were applied';
  return [
    line`${plan.implementation} ${plan.release}: ${applying} of ${plan.patches.length} patches ${verb}`,
    line`source: ${tree.location}${tree.pinned === 'differs' ? ', which differs from the pinned tree' : ''}`,
    ...plan.patches.flatMap((patch) => describePatch(patch, diffs)),
    ...(output === undefined ? [] : [line`patched tree: ${output}`]),
  ].join('\n');
}

function describePatch(patch: PlannedPatch, diffs: ReadonlyMap<FileChange, string>): string[] {
  const { id, why, applies, reason, files } = patch;
  return [
    line`${applies ? '✔' : '–'} ${id} (${applies ? 'applies' : 'does not apply'}: ${reason})`,
    line`    ${why}`,
    ...files.flatMap((file) => {
      const diff = diffs.get(file);
      return [line`    ${describeFile(file)}`, ...(diff === undefined ? [] : [diff])];
    }),
  ];
}

function describeFile({ path, change, lines, offsets }: FileChange): string {
  if (change !== 'changed') return line`${path}: ${change}`;
  const moved = offsets.filter((offset) => offset !== 0);
  const drift = moved.length === 0 ? '' : ` (hunks found ${moved.join(', ')} lines off)`;
  return line`${path}: ${lines.length === 1 ? 'line' : 'lines'} ${lines.join(', ')}${drift}`;
}
