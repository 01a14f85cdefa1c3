/** Servers that do not begin a command, played by a FAKE server that speaks the real protocol: the race can't be had at will. */
import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import ssh2 from 'ssh2';
import { SshConnection } from '../../../src/hosts/ssh/connection.js';

/** A server that refuses so many commands, then runs them by /bin/sh. @returns a connection, and what it was asked for */
async function serverOf(
  t: ExecutionContext,
  ident: string,
  refusals: number,
): Promise<{ connection: SshConnection; asked: () => number }> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const hostKey = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
  let asked = 0;
  const server = new ssh2.Server({ ident, hostKeys: [hostKey] }, (client) => {
    client.on('error', () => {});
    client.on('authentication', (way) => way.accept());
    client.on('session', (accept) => {
      accept().on('exec', (take, refuse, { command }) => {
        asked++;
        if (asked <= refusals) return refuse();
        const channel = take();
        const child = spawn('/bin/sh', ['-c', command]);
        child.stdout.pipe(channel, { end: false });
        child.stderr.pipe(channel.stderr, { end: false });
        channel.pipe(child.stdin);
        child.on('close', (code) => {
          channel.exit(code ?? 1);
          channel.end();
        });
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const key = ssh2.utils.parseKey(hostKey);
  if (key instanceof Error) throw key;
  const connection = new SshConnection({
    name: 'fake',
    user: 'root',
    open: async () => connect(port, '127.0.0.1'),
    hostKeys: [key.getPublicSSH()],
  });
  t.teardown(async () => {
    await connection.close();
    server.close();
  });
  return { connection, asked: () => asked };
}

async function outputOf(connection: SshConnection, command: string): Promise<string> {
  return connection.exec(command, async ({ stdout }) => {
    let text = '';
    for await (const chunk of stdout) text += String(chunk);
    return text;
  });
}

test('a command that dropbear drops with its channel is asked for again', async (t) => {
  const { connection, asked } = await serverOf(t, 'dropbear_2022.83', 3);
  t.is(await outputOf(connection, 'echo once'), 'once\n');
  t.is(asked(), 4);
});

test('dropbear that drops each of them is an error after some tries', async (t) => {
  const { connection, asked } = await serverOf(t, 'dropbear_2022.83', Number.POSITIVE_INFINITY);
  await t.throwsAsync(outputOf(connection, 'true'), { message: /Unable to exec/ });
  t.true(asked() > 3 && asked() < 20, String(asked()));
});

test('of another server a command that was not begun is an error at once', async (t) => {
  const { connection, asked } = await serverOf(t, 'OpenSSH_9.2', 1);
  await t.throwsAsync(outputOf(connection, 'true'), { message: /Unable to exec/ });
  t.is(asked(), 1);
});
