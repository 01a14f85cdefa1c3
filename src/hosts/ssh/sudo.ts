/** Root's rights for a user who is not root, by sudo(8) on the far side. */
import { linesOf, MissingError } from '../../base/errors.js';
import { CommandError } from '../host/command-error.js';
import { askSecret } from './client/ask.js';
import type { SshConnection } from './connection.js';
import type { Elevation } from './elevation.js';
import { runRemote } from './run.js';

const TRIES = 3;
/** Old credentials do not count (-k), so that who need not give a password is told from who gave it a while ago. */
const WITHOUT = ['sudo', '-k', '-n', '--'];
/** The password comes first on standard input, without a prompt; sudo reads it byte by byte and leaves the rest alone. */
const WITH = ['sudo', '-k', '-S', '-p', '', '--'];

/** Not by a shell that stays: it would stay without root's rights. */
const ALONE = { lane: 'command' } as const;

/**
 * How commands get root's rights on a host; undefined where the user is root.
 * @param mayAsk whether a password may be asked for
 * @throws MissingError if there is no way to root there: no sudo, no password or a wrong one, a user who may not
 */
export async function findElevation(
  connection: SshConnection,
  mayAsk: boolean,
): Promise<Elevation | undefined> {
  const { stdout } = await runRemote(connection, { argv: ['id', '-u'] }, ALONE);
  if (stdout.toString().trim() === '0') return undefined;
  const refusal = await attempt(connection, WITHOUT);
  if (refusal === undefined) return { words: WITHOUT };
  if (!/password/.test(refusal)) throw failure(connection, refusal);
  const { name, user } = connection.options;
  for (let tries = 0; mayAsk && tries < TRIES; tries++) {
    const password = await askSecret(`[sudo] password for ${user} on ${name}: `);
    if (password === undefined) break;
    const answer = await attempt(connection, WITH, password);
    if (answer === undefined) return { words: WITH, password };
    if (!/password/.test(answer)) throw failure(connection, answer);
    if (tries === TRIES - 1) throw failure(connection, 'the password is wrong');
  }
  throw failure(connection, 'sudo asks for a password and nobody gave one');
}

/** Undefined if sudo let us, else what it said. */
async function attempt(
  connection: SshConnection,
  words: readonly string[],
  password?: string,
): Promise<string | undefined> {
  try {
    const input = password === undefined ? '' : `${password}\n`;
    await runRemote(connection, { argv: [...words, 'true'] }, { ...ALONE, input });
    return undefined;
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    if (error.exitCodeOfCommand === 127) return 'there is no sudo';
    // The lecture that sudo gives once comes before what it has to say.
    const lines = error.stderr.trim().split('\n');
    return lines.at(-1)?.replace(/^sudo: /, '') || error.facts.happened;
  }
}

function failure({ options: { name, user } }: SshConnection, happened: string): MissingError {
  return new MissingError({
    tried: `getting root's rights on ${name} as ${user}`,
    happened: linesOf(happened),
    next: [
      `let ${user} run all by sudo there, or log in as root`,
      'what needs no root goes without: aoe-lab host add NAME … --sudo never',
    ],
    missing: ['sudo'],
  });
}
