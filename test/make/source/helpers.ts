import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { type SelectedRelease, withRelease } from '../../../src/make/recipe/load.js';
import type { Recipe, Release, Source } from '../../../src/make/recipe/schema.js';

// The tests' own servers are not reached through a proxy of the machine's.
process.env.no_proxy = '127.0.0.1';
process.env.NO_PROXY = '127.0.0.1';

/** A temporary folder that is removed after the test. */
export async function folderOf(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'aoe-lab-source-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** An empty store; tests of one file that use it run one after the other. */
export async function useStore(t: ExecutionContext): Promise<string> {
  const store = await folderOf(t);
  process.env.AOE_LAB_CACHE = store;
  return store;
}

export function recipeOf(sources: readonly Source[], more: Partial<Release> = {}): SelectedRelease {
  const release: Release = { version: '1', sources: [...sources], ...more };
  const recipe: Recipe = {
    name: 'toy',
    title: 'a toy',
    kind: 'user-space daemon',
    summary: '',
    releases: [release],
    patches: [],
    build: { system: 'none', requires: [], steps: [], artifacts: [] },
    control: {
      shape: 'process',
      run: ['true'],
      stop: 'TERM',
      options: {},
      announces: false,
      backing: 'file',
    },
    guide: [],
    quirks: [],
    verified: [],
  };
  return withRelease(recipe, release);
}

export interface TestServer {
  url: string;
  /** Paths asked for, with the Range if there was one, in order. */
  asked: string[];
}

/** A real HTTP server on the loopback interface, closed with all its connections after the test. */
export async function serve(
  t: ExecutionContext,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<TestServer> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const { range } = request.headers;
    asked.push(`${request.url}${range === undefined ? '' : ` ${range}`}`);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}
