import test from 'ava';
import fc from 'fast-check';
import { COMMANDS, commandTree } from '../../../src/face/cli/run.js';
import { complete } from '../../../src/face/complete/complete.js';
import { wantedAt } from '../../../src/face/complete/wanted.js';

const program = await commandTree([]);

/** Words that are offered at the end of a line, without what they mean; and what else is said of them. */
async function offered(line: string): Promise<{ kind: string | undefined; words: string[] }> {
  const [kind, ...lines] = await complete(program, line.split(' '));
  return { kind, words: lines.map((one) => one.split('\t')[0] as string) };
}

test('commands are offered, those of a group of commands too', async (t) => {
  t.deepEqual((await offered('')).words.toSorted(), [...COMMANDS, 'help'].toSorted());
  t.deepEqual((await offered('expo')).words, ['export']);
  t.deepEqual((await offered('-v expo')).words, ['export']);
  t.deepEqual((await offered('host pre')).words, ['prepare']);
  t.deepEqual((await offered('nothing of that name ')).words, []);
});

test('options of the command are offered, and those of all', async (t) => {
  t.deepEqual((await offered('export --shel')).words, ['--shelf']);
  t.deepEqual((await offered('host add --verb')).words, ['--verbose']);
  t.deepEqual((await offered('export --')).words.includes('--no-such'), false);
  t.deepEqual((await offered('status -- --')).words, []);
});

test('every option that takes a value takes it as the next word, and behind an equals sign', (t) => {
  for (const command of program.commands) {
    for (const option of command.options.filter(({ required }) => required)) {
      const next = wantedAt(program, [command.name(), String(option.long), 'x']);
      const joined = wantedAt(program, [command.name(), `${option.long}=x`]);
      t.deepEqual([next.start, joined.start], ['x', 'x'], `${command.name()} ${option.long}`);
      t.deepEqual([next.value, next.words], [joined.value, joined.words]);
      t.is(joined.before, `${option.long}=`);
    }
  }
});

test('values are offered where they are known', async (t) => {
  t.deepEqual((await offered('export --impl vbl')).words, ['vblade', 'vblade-kernel']);
  t.deepEqual((await offered('export --impl=ggao')).words, ['--impl=ggaoed']);
  t.true((await offered('build vblade --release ')).words.includes('25'));
  t.true((await offered('export --release --impl vblade --release 2')).words.length === 0);
  t.true((await offered('export --iface l')).words.includes('lo'));
  t.deepEqual((await offered('vm up --accel ')).words, ['auto', 'kvm', 'tcg']);
  t.deepEqual(
    (await offered('conform --only flush.')).words.every((word) => word.startsWith('flush.')),
    true,
  );
  t.deepEqual((await offered('status --host he')).words, ['here']);
  t.deepEqual(await offered('export --file /etc/'), { kind: 'files', words: [] });
  t.deepEqual(await offered('patch vblade --output /etc/'), { kind: 'folders', words: [] });
});

test('a list is gone on with behind its comma, without what it has', async (t) => {
  const { kind, words } = await offered('export --allow in-use,');
  t.is(kind, 'list');
  t.true(words.includes('in-use,mounted'));
  t.false(words.includes('in-use,in-use'));
  t.deepEqual((await offered('verify --impl vblade,nat')).words, ['vblade,native']);
});

test('releases are those of the implementation that was named', async (t) => {
  t.deepEqual((await offered('build --release ')).words, []);
  t.deepEqual((await offered('build native --release ')).words.includes('25'), false);
});

test('whatever is typed, an answer has one line a candidate and nothing that a terminal obeys', async (t) => {
  const word = fc.oneof(
    fc.constantFrom('export', 'host', 'vm', '--impl', '--iface', '--host=', '--', '-', '--allow', 'a,b,', ''),
    fc.string({ unit: 'binary', maxLength: 8 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(word, { maxLength: 6 }), async (words) => {
      const [kind, ...lines] = await complete(program, words);
      t.true(['words', 'list', 'files', 'folders'].includes(String(kind)));
      const typed = words.at(-1) ?? '';
      for (const one of lines) {
        const [candidate = ''] = one.split('\t');
        t.true(candidate.startsWith(typed), JSON.stringify([words, one]));
        t.notRegex(candidate.slice(typed.length), /[\p{C}\s]/u);
        t.notRegex(one.slice(candidate.length + 1), /\p{C}/u);
      }
    }),
    { numRuns: 200 },
  );
});
