/** Fetches packages in a process of its own: `node fixture-packages.js REQUEST`, JSON on standard output. */
import { fetchDebianPackages } from '../../../src/make/debian/packages.js';

const kinds: string[] = [];
const { packages } = await fetchDebianPackages(JSON.parse(process.argv[2] ?? ''), {
  onEvent: ({ kind }) => kinds.push(kind),
});
process.stdout.write(JSON.stringify({ kinds, packages }));
