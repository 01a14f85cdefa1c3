/** Secrets a login needs, asked of the person at the terminal; where there is none, by the program SSH_ASKPASS names, as ssh does. */
import { closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { ReadStream } from 'node:tty';
import { escapeLine } from '../../../base/escape.js';

let turn: Promise<unknown> = Promise.resolve();

/**
 * Asks for a secret, one question at a time in this process.
 * @returns undefined if nobody is there to answer, or the answer is none (Ctrl-C, Ctrl-D, a program that fails)
 */
export function askSecret(question: string): Promise<string | undefined> {
  const answer = turn.then(() => ask(escapeLine(question)));
  turn = answer.catch(() => {});
  return answer;
}

async function ask(question: string): Promise<string | undefined> {
  const { SSH_ASKPASS: program, SSH_ASKPASS_REQUIRE: require, DISPLAY, WAYLAND_DISPLAY } = process.env;
  const prefersProgram = require === 'force' || (require === 'prefer' && Boolean(DISPLAY || WAYLAND_DISPLAY));
  if (program && prefersProgram) return askProgram(program, question);
  const terminal = openTerminal();
  if (terminal !== undefined) return askTerminal(terminal, question);
  return program && require !== 'never' ? askProgram(program, question) : undefined;
}

/** The terminal itself: standard input and output may be pipes. */
function openTerminal(): number | undefined {
  try {
    return openSync('/dev/tty', 'r+');
  } catch {
    return undefined;
  }
}

async function askTerminal(terminal: number, question: string): Promise<string | undefined> {
  const input = new ReadStream(terminal);
  const { writeSync } = await import('node:fs');
  writeSync(terminal, question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input, output: nowhere, terminal: true, historySize: 0 });
  const stop = new AbortController();
  lines.once('SIGINT', () => stop.abort());
  lines.once('close', () => stop.abort());
  try {
    return await lines.question('', { signal: stop.signal });
  } catch {
    return undefined;
  } finally {
    lines.close();
    writeSync(terminal, '\n');
    input.destroy();
    try {
      closeSync(terminal);
    } catch {
      // The stream has closed it.
    }
  }
}

async function askProgram(program: string, question: string): Promise<string | undefined> {
  const { execa } = await import('execa');
  const { failed, stdout } = await execa(program, [question], { reject: false, stdin: 'ignore' });
  return failed ? undefined : stdout;
}
