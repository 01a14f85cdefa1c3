/** A process that builds: argument 1 is JSON of {tree, recipe}; it prints its events and its result, a line each. */

import { select } from '../../../src/make/recipe/load.js';
import { buildOf } from './build-of.js';

const { tree, recipe } = JSON.parse(process.argv[2] as string);
const say = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);
const { cached, key } = await buildOf(tree, select(recipe), { onEvent: say });
say({ kind: 'result', cached, key });
