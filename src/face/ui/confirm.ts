import { createInterface } from 'node:readline/promises';
import { LabError, UsageError } from '../../base/errors.js';
import { asQuestion } from './output.js';

interface Question {
  /** What an answer of no keeps from being done, as errors name it. */
  tried: string;
  /** What to do where nobody can be asked. */
  next: string | readonly string[];
}

/**
 * Asks a yes-or-no question on the terminal. Anything else than yes is no: Ctrl-C, Ctrl-D and the end of input too.
 * @throws LabError if the answer is no · UsageError where there is no terminal to ask on
 */
export async function agree(question: string, about: Question): Promise<void> {
  if (await confirm(question, about)) return;
  throw new LabError({ tried: about.tried, happened: 'you declined; nothing was changed' });
}

async function confirm(question: string, { tried, next }: Question): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new UsageError({ tried, happened: 'there is no terminal to ask on', next });
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const end = new AbortController();
  terminal.once('SIGINT', () => terminal.close());
  terminal.once('close', () => end.abort());
  try {
    const answer = await terminal.question(`${asQuestion(question)} [y/N] `, { signal: end.signal });
    return /^y(es)?$/i.test(answer.trim());
  } catch (error) {
    if (!end.signal.aborted) throw error;
    process.stderr.write('\n');
    return false;
  } finally {
    terminal.close();
  }
}
