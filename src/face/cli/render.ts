import type { Command } from 'commander';
import { parseJson } from '../../base/json.js';
import { line } from '../ui/colors.js';
import { variable } from './lab-options.js';

interface Options {
  file: string;
  var?: Record<string, string>;
  output: string;
  node: string;
  offline?: boolean;
  json?: boolean;
}

export function register(program: Command): void {
  const render = program
    .command('render')
    .description('write what a lab.yaml says in the language of another tool');
  render
    .command('ansible')
    .description('an inventory, playbooks and a role for Ansible, which bring the hosts to what the lab says')
    .option('-f, --file <FILE>', 'the lab', 'lab.yaml')
    .option('--var <NAME=VALUE>', 'a variable of the lab (repeatable)', variable)
    .option('-o, --output <FOLDER>', 'the folder to write', 'ansible')
    .option('--node <PATH>', 'node on the hosts, where the native target goes there', '/usr/bin/node')
    .option('--offline', 'use only what the store has')
    .option('--json', 'print JSON')
    .action(renderAnsible);
  render
    .command('ansible-judge', { hidden: true })
    .description(
      'called by the role of `render ansible`: judges what it saw of a host (JSON on standard input)',
    )
    .action(judge);
}

async function renderAnsible(options: Options): Promise<void> {
  const [
    { loadLab },
    { loadRecipes },
    { ansibleFaults },
    { buildsFor },
    { reachOf },
    { renderAnsible },
    { writeFolder },
    { print, note },
  ] = await Promise.all([
    import('../../manage/lab/load.js'),
    import('../../make/recipe/load.js'),
    import('../../manage/ansible/faults.js'),
    import('../../manage/ansible/builds.js'),
    import('../../manage/ansible/inventory.js'),
    import('../../manage/ansible/render.js'),
    import('../../manage/ansible/folder.js'),
    import('../ui/output.js'),
  ]);
  const recipes = await loadRecipes();
  const lab = await loadLab(options.file, options.var, async (lab) => ansibleFaults(lab, recipes));
  const { node, offline, output } = options;
  const buildOf = await buildsFor(lab, node, { offline, onRemark: (text) => note(line`warning: ${text}`) });
  const reach = new Map<string, Awaited<ReturnType<typeof reachOf>>>();
  for (const host of lab.hosts) reach.set(host.name, await reachOf(host));
  const files = await renderAnsible(lab, { reach, buildOf, node });
  await writeFolder(output, files);
  const result = {
    lab: lab.name,
    output,
    hosts: lab.hosts.length,
    exports: lab.exports.length,
    files: [...files.keys()],
  };
  print(result, options, () =>
    [
      line`${output}: ${result.hosts} hosts, ${result.exports} exports, ${result.files.length} files`,
      `cd ${output} && ansible-playbook site.yml`,
    ].join('\n'),
  );
}

async function judge(): Promise<void> {
  const [{ answer }, { UsageError }, { print }, { text }] = await Promise.all([
    import('../../manage/ansible/answer.js'),
    import('../../base/errors.js'),
    import('../ui/output.js'),
    import('node:stream/consumers'),
  ]);
  let question: unknown;
  try {
    // A person at a terminal is not waited for.
    question = parseJson(process.stdin.isTTY ? '' : await text(process.stdin));
  } catch (error) {
    throw new UsageError({
      tried: 'reading what a role of Ansible asks',
      happened: `standard input is no JSON: ${(error as Error).message}`,
      next: 'run ansible-playbook in a folder that aoe-lab render ansible wrote: its role calls this command',
    });
  }
  print(answer(question), { json: true }, () => '');
}
