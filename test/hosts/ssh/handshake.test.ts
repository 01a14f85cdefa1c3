import test from 'ava';
import { UnreachableError } from '../../../src/base/errors.js';
import { openClient } from '../../../src/hosts/ssh/handshake.js';

const rows = [
  ['ENOTFOUND', 'no host of this name is known', /aoe-lab host list/],
  ['ECONNREFUSED', 'connect ECONNREFUSED', /its sshd at that address and port/],
] as const;

for (const [code, happened, next] of rows) {
  test(`a host that is not reached: ${code} is told with what to do`, async (t) => {
    const open = () => Promise.reject(Object.assign(new Error(`connect ${code}`), { code }));
    const { signal } = new AbortController();
    const error = await t.throwsAsync(openClient({ name: 'store', user: 'joe', open }, signal), {
      instanceOf: UnreachableError,
    });
    t.is(error?.facts.happened, happened);
    t.regex(String(error?.facts.next), next);
  });
}
