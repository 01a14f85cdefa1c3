/** How one logs in: by keys, then by what a person answers, in ssh's order. */
import type { AnyAuthMethod, AuthenticationType, BaseAgent, Prompt } from 'ssh2';
import { escapeLine } from '../../../base/escape.js';
import type { Login } from '../options.js';
import { askSecret } from './ask.js';

export interface LoginOptions {
  /** How messages call the host. */
  name: string;
  user: string;
  /** @param ignored told of each key that is not used, and why */
  keys: (ignored: (why: string) => void) => Promise<BaseAgent>;
  /** Whether a password may be asked for. */
  mayAsk: boolean;
}

/** Of ssh: NumberOfPasswordPrompts. */
const PASSWORD_TRIES = 3;
/** Characters. */
const MOST_OF_PROMPT = 200;

/** What a host says, told from what we say. */
function quoted(words: string): string {
  return `"${escapeLine(words.trim(), MOST_OF_PROMPT).replaceAll('"', "'")}"`;
}

/** One attempt to log in; a new connection needs a new one. */
export function newLogin({ name, user, keys, mayAsk }: LoginOptions): Login {
  let asking = 0;
  const tried: string[] = [];
  const askPerson = async (question: string): Promise<string | undefined> => {
    asking++;
    return askSecret(question).finally(() => {
      asking--;
    });
  };
  let stopped = false;
  const steps = methods();
  async function* methods(): AsyncGenerator<AnyAuthMethod, void, readonly string[] | null> {
    // What the host would take is only known once it has refused this.
    let left = yield { type: 'none', username: user };
    const allows = (kind: AuthenticationType): boolean => left?.includes(kind) ?? true;
    if (allows('publickey')) {
      tried.push('keys');
      left = yield { type: 'agent', username: user, agent: await keys((why) => tried.push(why)) };
    }
    for (
      let tries = 0;
      mayAsk && !stopped && tries < PASSWORD_TRIES && allows('keyboard-interactive');
      tries++
    ) {
      if (tries === 0) tried.push('keyboard-interactive');
      left = yield { type: 'keyboard-interactive', username: user, prompt: answer };
    }
    for (let tries = 0; mayAsk && !stopped && tries < PASSWORD_TRIES && allows('password'); tries++) {
      const password = await askPerson(`${user}@${name}'s password: `);
      if (password === undefined) {
        tried.push('no password given');
        return;
      }
      if (tries === 0) tried.push('password');
      left = yield { type: 'password', username: user, password };
    }
  }
  function answer(
    _name: string,
    _instructions: string,
    _language: string,
    prompts: Prompt[],
    finish: (answers: string[]) => void,
  ): void {
    const askAll = async (): Promise<string[]> => {
      const answers: string[] = [];
      for (const { prompt } of prompts) {
        const said = await askPerson(`${user}@${name} asks: ${quoted(prompt)} `);
        if (said === undefined) {
          stopped = true;
          tried.push('nobody answered');
        }
        answers.push(said ?? '');
      }
      return answers;
    };
    void askAll().then(finish);
  }
  return {
    tried,
    get isAsking() {
      return asking > 0;
    },
    next: (left, take) => {
      void steps.next(left).then(
        ({ value, done }) => take(done || value === undefined ? false : value),
        () => take(false),
      );
    },
  };
}
