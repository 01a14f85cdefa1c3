import type { Host, RunResult } from '../../src/hosts/host/host.js';
import type { ExportEntry } from '../../src/serve/exports/entry.js';
import { exportId } from '../../src/serve/exports/entry.js';

const STATE = '/var/lib/aoe-lab';

/** A host that answers what `status` asks, from memory: its exports all run, each by a process of its own. */
export function simulatedHost(name: string, entries: readonly ExportEntry[], delay: number): Host {
  const files = new Map(
    entries.map((entry) => [`${exportId(entry)}.json`, Buffer.from(JSON.stringify(entry))]),
  );
  const marks = entries.map(
    (entry, at) => `/proc/${at + 1}/environ:AOE_LAB_RUN=${STATE}/exports/${exportId(entry)}.json\0`,
  );
  const links = [
    {
      ifindex: 2,
      ifname: 'san0',
      flags: ['UP'],
      mtu: 9000,
      link_type: 'ether',
      address: '02:00:00:00:00:01',
    },
  ];
  const later = async <T>(value: T): Promise<T> => {
    await new Promise((resolve) => setTimeout(resolve, delay));
    return value;
  };
  const answer = (argv: readonly string[]): string => {
    if (argv[0] === 'find') return marks.join('');
    if (argv[0] === 'ip') return JSON.stringify(links);
    const pids = argv.slice(4);
    if (argv[0] !== 'sh') throw new Error(`a simulated host knows no ${argv.join(' ')}`);
    return pids.map((pid) => `process ${pid}\nsocket:[${pid}]\n0 3 3 88a2 2 1 0 0 ${pid}\n`).join('');
  };
  const refuse = (): never => {
    throw new Error('a simulated host is only looked at');
  };
  const host: Host = {
    name,
    isHere: false,
    netns: undefined,
    inNamespace: () => host,
    run: (argv) => later<RunResult>({ exitCode: 0, stdout: answer(argv), stderr: '', duration: delay }),
    read: () =>
      later(undefined).then(() => Promise.reject(Object.assign(new Error('none'), { code: 'ENOENT' }))),
    readAll: () => later(new Map(files)),
    readEach: () => later(new Map()),
    list: () => later([...files.keys()]),
    stat: () => later({ kind: 'file', size: 1 << 20, blocks: 0, uid: 0 }),
    facts: () =>
      later({ hostname: name, system: 'Linux', kernel: '6.1', machine: 'x86_64', uid: 0, bootId: 'boot' }),
    stateFolder: () => later(STATE),
    start: refuse,
    write: refuse,
    remove: refuse,
    put: refuse,
    get: refuse,
    lock: refuse,
  };
  return host;
}
