/** Boots a guest in a process of its own and stays until it is killed; prints `up` when it can be reached. */
import { bootGuest } from '../../../src/prove/vm/index.js';

await bootGuest({ name: process.argv[2] });
process.stdout.write('up\n');
setInterval(() => {}, 1000);
