import test from 'ava';
import { here } from '../../../src/hosts/host/local.js';
import { Record, SkipStep } from '../../../src/prove/acceptance/record.js';

test('a step that fails ends its test, keeps what it ran, and leaves the next test alone', async (t) => {
  const begun: string[] = [];
  const record = new Record((name, step) => begun.push(`${name} ${step}`));
  const host = record.watch(here);
  t.false(
    await record.test('basic', async (step) => {
      const value = await step('first', async () => {
        await host.run(['echo', 'one']);
        return { seen: 'fine', value: 7 };
      });
      t.is(value, 7);
      await step('second', async () => {
        await host.run(['sh', '-c', 'echo no >&2; exit 3']);
        return 'never';
      });
      await step('third', async () => 'never');
    }),
  );
  t.true(
    await record.test('load', async (step) => {
      await step('only', async () => 'seen');
    }),
  );
  t.deepEqual(begun, ['basic first', 'basic second', 'load only']);
  const [basic, load] = record.tests;
  t.like(basic, { passed: false });
  t.deepEqual(
    basic?.steps.map(({ name, passed, commands }) => [
      name,
      passed,
      commands.map(({ exitCode }) => exitCode),
    ]),
    [
      ['first', true, [0]],
      ['second', false, [3]],
    ],
  );
  t.like(basic?.steps[0]?.commands[0], { stdout: 'one\n', argv: ['echo', 'one'] });
  t.regex(basic?.steps[1]?.seen ?? '', /exit code 3: no/);
  t.like(load, { passed: true, steps: [{ seen: 'seen', commands: [] }] });
});

test('a step that is skipped ends nothing and is not passed; a test of nothing else is skipped', async (t) => {
  const record = new Record(() => {});
  const skip = async (): Promise<string> => {
    throw new SkipStep('no driver');
  };
  const ok = await record.test('basic', async (step) => {
    await step('first', skip);
    await step('second', async () => 'seen');
  });
  t.true(ok);
  t.true(
    await record.test('load', async (step) => {
      await step('only', skip);
    }),
  );
  const [basic, load] = record.tests;
  t.like(basic, { passed: true, skipped: false });
  t.like(basic?.steps[0], { passed: false, skipped: true, seen: 'no driver' });
  t.like(basic?.steps[1], { passed: true, skipped: false });
  t.like(load, { passed: false, skipped: true });
});

test('a fault of the tool is no failed step', async (t) => {
  const record = new Record(() => {});
  await t.throwsAsync(
    record.test('basic', async () => {
      throw new TypeError('a bug');
    }),
    { instanceOf: TypeError },
  );
});
