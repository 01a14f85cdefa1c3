/**
 * The other process of the demo over a socket: serves a file by the native target on a Unix socket, until its standard
 * input ends, and so also when the process that started it is killed.
 *
 *     node demo-target.js SOCKET FILE MTU
 */
import { listenStream } from '../../wire/link/stream-open.js';
import { serveTargets } from '../../wire/native/serve.js';

const [path = '', file = '', mtu = ''] = process.argv.slice(2);
const link = await listenStream({ path }, { mtu: Number(mtu) });
const server = await serveTargets(link, [{ address: { shelf: 0, slot: 1 }, backing: { path: file } }]);
process.stdin.resume();
process.stdin.once('end', () => void server.close().finally(() => process.exit()));
process.stdout.write('ready\n');
