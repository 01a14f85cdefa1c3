/** Hosts whose answers are given. */
import { CommandError } from '../../../src/hosts/host/command-error.js';
import type { Host, RunOptions, RunResult } from '../../../src/hosts/host/host.js';

export interface Answers {
  /** By the program that is run. */
  run?: Readonly<Record<string, string | Error | ((env: RunOptions['env']) => string)>>;
  files?: Readonly<Record<string, string | Error>>;
  bootId?: string;
}

/** A program that ends with 1. */
export const refused = (program: string, stderr = 'Resource temporarily unavailable') =>
  new CommandError('far', [program], { exitCode: 1, stdout: '', stderr });

/** A host that gives these answers, in whichever namespace. */
export function hostOf({ run = {}, files = {}, bootId = 'boot' }: Answers, netns?: string): Host {
  const give = (answer: string | Error | undefined, path: string): string => {
    if (answer instanceof Error) throw answer;
    if (answer === undefined) throw Object.assign(new Error(`no ${path}`), { code: 'ENOENT' });
    return answer;
  };
  return {
    name: 'far',
    isHere: false,
    netns,
    inNamespace: (name: string | undefined) => hostOf({ run, files, bootId }, name),
    stateFolder: async () => '/state',
    facts: async () => ({ bootId }),
    read: async (path: string) => Buffer.from(give(files[path], path)),
    run: async ([program = '']: readonly string[], { env }: RunOptions = {}): Promise<RunResult> => {
      const answer = run[program];
      const stdout = give(typeof answer === 'function' ? answer(env) : answer, program);
      return { exitCode: 0, stdout, stderr: '', duration: 0 };
    },
  } as unknown as Host;
}
