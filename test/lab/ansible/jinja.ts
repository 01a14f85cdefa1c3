/** Jinja as Ansible has it, by Python's own. */
import { spawnSync } from 'node:child_process';

const PROGRAM = `
import json, sys
from jinja2 import Environment, StrictUndefined
env = Environment(trim_blocks=True, keep_trailing_newline=True, undefined=StrictUndefined)
env.filters['to_nice_json'] = lambda value, indent: json.dumps(value, indent=indent, sort_keys=True)
print(json.dumps([env.from_string(one['template']).render(one['variables']) for one in json.load(sys.stdin)]))
`;

/** Undefined, or why it can't be asked here. */
export function noJinja(): string | undefined {
  const { status } = spawnSync('python3', ['-c', 'import jinja2']);
  return status === 0 ? undefined : 'needs python3-jinja2';
}

/** Renders templates, all at once. */
export function renderJinja(all: readonly { template: string; variables: object }[]): string[] {
  const { status, stdout, stderr } = spawnSync('python3', ['-c', PROGRAM], {
    input: JSON.stringify(all),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as string[];
}
