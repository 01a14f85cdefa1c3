import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { AnyAuthMethod, KeyboardInteractiveAuthMethod } from 'ssh2';
import { newLogin } from '../../../../src/hosts/ssh/client/login.js';
import { temporaryFolder } from '../../../base/temporary.js';
import { OBEYED } from '../../../face/ui/obeyed.js';

test.serial(
  'what a host asks is marked as its words, on one line, and nothing of it is obeyed',
  async (t) => {
    const folder = await temporaryFolder(t);
    const program = join(folder, 'ask');
    await writeFile(program, `#!/bin/sh\nprintf '%s\\n' "$1" >> ${folder}/questions\necho secret\n`);
    await chmod(program, 0o755);
    Object.assign(process.env, { SSH_ASKPASS: program, SSH_ASKPASS_REQUIRE: 'force' });
    const keys = () => Promise.reject(new Error('none'));
    const login = newLogin({ name: 'store', user: 'me', keys, mayAsk: true });
    const next = (left: string[] | null) =>
      new Promise<AnyAuthMethod | false>((resolve) => login.next(left as never, resolve as never));
    await next(null);
    const method = (await next(['keyboard-interactive'])) as KeyboardInteractiveAuthMethod;
    const prompts = ['Password: ', '\x1b[2J\u202eroot@other\'s "password":\n[sudo] ', 'x'.repeat(5000)];
    const answers = await new Promise<string[]>((resolve) =>
      method.prompt(
        '',
        '',
        '',
        prompts.map((prompt) => ({ prompt, echo: false })),
        resolve,
      ),
    );
    t.deepEqual(answers, ['secret', 'secret', 'secret']);
    const asked = await readFile(join(folder, 'questions'), 'utf8');
    t.notRegex(asked, OBEYED);
    const [first, second, third, ...others] = asked.trimEnd().split('\n');
    t.is(first, 'me@store asks: "Password:" ');
    t.is(second, `me@store asks: "\\x1b[2J\\u202eroot@other's 'password':\\n[sudo]" `);
    t.regex(third ?? '', /^me@store asks: "x{200}… \(4800 more\)" ?$/);
    t.deepEqual(others, []);
  },
);
