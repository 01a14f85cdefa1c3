import { basic } from './basic.js';
import type { LinuxContext, Tests } from './context.js';
import { failure } from './failure.js';
import { load } from './load.js';
import { restart } from './restart.js';
import { leave } from './volume.js';

type Test = Tests[keyof Tests];

/** The tests with the Linux aoe driver as the client. */
export function linuxTests(context: LinuxContext): Tests {
  const { client } = context;
  const left = (test: Test): Test => {
    return async (step) => {
      try {
        await test(step);
      } catch (error) {
        await leave(client);
        throw error;
      }
    };
  };
  const found = (test: Test): Test =>
    left(async (step) => {
      await step('the client has the device', async () => {
        const device = await client.discovered(60_000);
        return `${device.path}, ${device.sectors} sectors`;
      });
      await test(step);
    });
  return {
    basic: left((step) => basic(context, step)),
    load: found((step) => load(client, step)),
    failure: found((step) => failure(context, step)),
    restart: found((step) => restart(context, step)),
  };
}
