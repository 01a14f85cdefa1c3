/** What values there are: known here and now, without asking another host or the wire. */
import { readdir } from 'node:fs/promises';
import type { Candidate, Place } from './wanted.js';

/** Values, or what the shell knows itself. */
export type Values = 'files' | 'folders' | readonly Candidate[];

type Source = (place: Place) => Values | Promise<Values>;

const words =
  (...all: string[]): Source =>
  () =>
    all.map((word) => ({ word }));

/** By the option, where its placeholder says too little; then by the placeholder. */
const SOURCES: Readonly<Record<string, Source>> = {
  '--netns': async () => named(await folder('/run/netns')),
  '--host': hosts,
  '--module': () => [],
  '--source': () => 'files',
  '--only': cases,
  '--test': words('1', '2', '3', '4'),
  EXPORT: exports,
  IMPL: implementations,
  VERSION: releases,
  IF: interfaces,
  IFACE: interfaces,
  KERNEL: words('5.10', '6.1', '6.12', 'unstable', 'host'),
  FILE: () => 'files',
  PATH: () => 'files',
  DIR: () => 'folders',
  FOLDER: () => 'folders',
  HOSTS: hosts,
  LIST: (place) => (place.name === '--impl' ? implementations(place) : []),
  NAME: ({ command }) => (command.startsWith('host ') ? booked() : command.startsWith('vm ') ? guests() : []),
  ADDRESS: async (place) => (place.command === 'host add' ? [] : addresses()),
};

/** Values that can stand there. What can't be found out is no value. */
export async function valuesOf(place: Place): Promise<Values> {
  const source = SOURCES[place.name] ?? SOURCES[place.placeholder];
  try {
    return (await source?.(place)) ?? [];
  } catch {
    // Nobody asked for an answer: a message would stand in the middle of what is typed.
    return [];
  }
}

function named(names: readonly string[]): Candidate[] {
  return names.map((word) => ({ word }));
}

async function folder(path: string): Promise<string[]> {
  return (await readdir(path)).sort();
}

async function entries() {
  const [{ EntryStore, exportId }, { here }] = await Promise.all([
    import('../../serve/exports/entry.js'),
    import('../../hosts/host/local.js'),
  ]);
  const { entries: all } = await (await EntryStore.open(here)).readable();
  return all.map((entry) => ({ ...entry, id: exportId(entry) }));
}

/** Of this machine: another host's would have to be asked for over the network, while somebody types. */
async function exports({ given }: Place): Promise<Candidate[]> {
  if ((given.get('--host') ?? 'here') !== 'here') return [];
  return (await entries()).map(({ id, backing }) => ({ word: id, about: backing.name }));
}

async function addresses(): Promise<Candidate[]> {
  return (await entries()).map(({ shelf, slot, backing }) => ({
    word: `e${shelf}.${slot}`,
    about: backing.name,
  }));
}

async function implementations({ command, name }: Place): Promise<Candidate[]> {
  const { loadRecipes } = await import('../../make/recipe/load.js');
  const all = (await loadRecipes()).map((recipe) => ({ word: recipe.name, about: recipe.title }));
  return command === 'import' && name === '--from' ? all.filter(({ word }) => word !== 'native') : all;
}

async function releases({ given }: Place): Promise<Candidate[]> {
  const { loadRecipe } = await import('../../make/recipe/load.js');
  const name = given.get('IMPL') ?? given.get('--impl') ?? given.get('--to');
  if (name === undefined) return [];
  return (await loadRecipe(name)).releases.map(({ version }) => ({ word: version }));
}

/** Of the namespace that is named, if one is. */
async function interfaces({ given }: Place): Promise<Candidate[]> {
  const netns = given.get('--netns');
  if (netns === undefined) return named(await folder('/sys/class/net'));
  const { here } = await import('../../hosts/host/local.js');
  const { stdout } = await here.run(['ip', '-n', netns, '-json', 'link', 'show']);
  return named((JSON.parse(stdout) as { ifname: string }[]).map(({ ifname }) => ifname));
}

async function booked(): Promise<Candidate[]> {
  const { readBook } = await import('../../hosts/book/book.js');
  return [...(await readBook())].map(([word, { address }]) => ({ word, about: address }));
}

async function hosts(): Promise<Candidate[]> {
  const { aliases } = await import('../../hosts/ssh/client/aliases.js');
  const known = new Map((await booked()).map((one) => [one.word, one]));
  for (const word of await aliases()) if (!known.has(word)) known.set(word, { word });
  return [...known.values(), { word: 'here', about: 'this machine' }];
}

async function guests(): Promise<Candidate[]> {
  const { listGuests } = await import('../../prove/vm/index.js');
  return (await listGuests()).map(({ name }) => ({ word: name }));
}

async function cases(): Promise<Candidate[]> {
  const { selectCases } = await import('../../prove/conform/select.js');
  return selectCases(undefined).map(({ name, rule }) => ({ word: name, about: rule }));
}
