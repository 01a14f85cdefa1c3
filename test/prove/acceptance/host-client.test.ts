import test from 'ava';
import { linuxVersion, survivesLoss } from '../../../src/prove/acceptance/host-client.js';

test('only kernels are taken that are known to survive the loss of a device', (t) => {
  for (const version of ['6.1.147', '6.1.192', '6.12.37', '6.12.118', '6.16', '7.2.13']) {
    t.true(survivesLoss(version), version);
  }
  for (const version of ['2.6.32', '5.10.262', '6.1.146', '6.2', '6.6.1', '6.12.36', '6.13', '6.15.9']) {
    t.false(survivesLoss(version), version);
  }
});

test('the version of Linux is the one it was built from, not that of its ABI', (t) => {
  const debian = '#1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2 (2026-11-16)';
  t.is(linuxVersion('6.1.0-56-amd64', debian), '6.1.192');
  t.is(linuxVersion('6.16.3', '#1 SMP Mon Jan 5 10:00:00 UTC 2026'), '6.16.3');
});
