import test from 'ava';
import { cli } from '../../live/support/cli.js';

test('list names each release that was verified once', async (t) => {
  const { stdout } = await cli(['list', '--json'], {});
  const all = JSON.parse(stdout) as { name: string; verified: { release: string }[] }[];
  const [often] = all.filter(
    ({ verified }) => new Set(verified.map(({ release }) => release)).size < verified.length,
  );
  t.truthy(often, 'one that was verified more than once');
  const shown =
    (await cli(['list'], {})).stdout.split('\n').find((one) => one.startsWith(`${often?.name} `)) ?? '';
  const cells = shown.trim().split(/ {2,}/);
  const releases = (cells.at(-1) ?? '').split(' ');
  t.deepEqual(releases, [...new Set(often?.verified.map(({ release }) => release))]);
});
