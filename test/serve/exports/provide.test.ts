import test from 'ava';
import { provide } from '../../../src/serve/exports/provide.js';
import { temporaryFolder } from '../../base/temporary.js';

test.serial('what a target can not do is refused before its source is looked for', async (t) => {
  const before = process.env.AOE_LAB_CACHE;
  process.env.AOE_LAB_CACHE = await temporaryFolder(t);
  t.teardown(() => {
    if (before === undefined) delete process.env.AOE_LAB_CACHE;
    else process.env.AOE_LAB_CACHE = before;
  });
  const spec = { shelf: 0, slot: 1, iface: 'eth0', path: '/srv/disk' };
  const asked = (options: object) => provide('qaoed', { offline: true, spec: { ...spec, options } });
  await t.throwsAsync(asked({ lockAccess: true, readOnly: true }), {
    message: /qaoed \S+ has no --lock-access/,
  });
  // Without it, it is the source that is missing.
  const error = await t.throwsAsync(asked({}));
  t.notRegex(String(error?.message), /has no --/);
});
