import test from 'ava';
import ssh2 from 'ssh2';
import { makeGuestKeys } from '../../../src/prove/vm/keys.js';

// ssh2 makes one of 256 that it can't read.
test('keys of guests can be read, each of many', async (t) => {
  for (let round = 0; round < 500; round++) {
    const { client } = await makeGuestKeys();
    t.false(ssh2.utils.parseKey(client.private) instanceof Error);
    t.false(ssh2.utils.parseKey(client.line) instanceof Error);
  }
});
