/** Lines that are written to the files of the three kernel modules: a set-up is what is left of them at the end. */
import {
  addressPart,
  at,
  attempt,
  Doubt,
  type Draft,
  type Found,
  type FoundExport,
  nothingFound,
  type Place,
} from './found.js';

/** A word that can't be told; its line is in doubt. */
export const UNKNOWN = '?';

interface Line extends Place {
  words: string[];
  /** Why it can't be told whether it is written. */
  doubt: string | undefined;
}

/** Which module a file of the kernel's belongs to; undefined: none. */
export function moduleOfFile(path: string): string | undefined {
  if (path === '/sys/kvblade/add' || path === '/sys/kvblade/del') return 'kvblade';
  if (path === '/proc/aoeserver') return 'aoeserver';
  if (path === '/sys/vblade/drives' || /^\/sys\/vblade\/[^/]+\/ports$/.test(path)) return 'vblade-kernel';
  return undefined;
}

export class ModuleLines {
  readonly #added: {
    read: (doubt: string | undefined) => FoundExport;
    draft: Draft;
    address: (string | undefined)[];
    doubt?: string;
  }[] = [];
  /** Of vblade-kernel: its drives, by their names. */
  readonly #drives = new Map<string, { path: string; doubt: string | undefined }>();

  take(path: string, line: Line): void {
    const module = moduleOfFile(path);
    const [verb = '', ...words] = line.words;
    if (path === '/sys/kvblade/add') this.#add('kvblade', line, line.words);
    else if (path === '/sys/kvblade/del') this.#remove('kvblade', line, line.words);
    else if (module === 'aoeserver') this.#aoeserver(verb, words, line);
    else if (path === '/sys/vblade/drives') {
      const [name = '', file] = words;
      if (verb === 'add' && file !== undefined) this.#drives.set(name, { path: file, doubt: line.doubt });
    } else if (module === 'vblade-kernel') {
      const name = path.split('/')[3] as string;
      const drive = this.#drives.get(name);
      const [iface, shelf, slot, queue] = words;
      const fields = [shelf, slot, iface, drive?.path];
      const doubt = drive === undefined ? `the drive ${name} is not made before it` : drive.doubt;
      if (verb === 'del') this.#remove('vblade-kernel', line, fields);
      else this.#add('vblade-kernel', { ...line, doubt: line.doubt ?? doubt }, fields, queue);
    }
  }

  finish(): Found {
    const found = nothingFound();
    for (const { draft, read, doubt } of this.#added) {
      attempt(found, draft, () => read(doubt));
    }
    return found;
  }

  #aoeserver(verb: string, words: readonly string[], line: Line): void {
    const [first, second, third, iface] = words;
    if (verb === 'add') this.#add('aoeserver', line, [second, third, iface, first]);
    else if (verb === 'del') this.#remove('aoeserver', line, [second, third, iface]);
    else if (verb.startsWith('hostmask') || verb.startsWith('rmmask')) {
      const text = `line ${line.line} changes whom it serves, which aoe-lab does not tell this module`;
      for (const one of this.#matching('aoeserver', [first, second])) one.doubt ??= text;
    }
  }

  /** @param fields shelf, slot, interface, file */
  #add(implementation: string, line: Line, fields: readonly (string | undefined)[], queue?: string): void {
    const [shelf, slot, iface, path, more] = fields;
    const place = at(line);
    const draft: Draft = { implementation, place, persist: true };
    if (iface !== undefined) draft.iface = iface;
    if (path !== undefined) draft.path = path;
    const read = (doubt: string | undefined): FoundExport => {
      if (/^\d{1,5}$/.test(shelf ?? '')) draft.shelf = Number(shelf);
      if (/^\d{1,3}$/.test(slot ?? '')) draft.slot = Number(slot);
      if (doubt !== undefined) throw new Doubt(place, doubt);
      const address = { shelf: addressPart('shelf', shelf, place), slot: addressPart('slot', slot, place) };
      if (path === undefined || iface === undefined || more !== undefined) {
        throw new Doubt(
          place,
          iface === undefined && path !== undefined
            ? 'it names no interface, and so serves all'
            : 'it is not in the form that the module takes',
        );
      }
      const options = queue === undefined ? {} : { queueLength: Number(queue) };
      if (queue !== undefined && !/^[1-9]\d{0,2}$/.test(queue))
        throw new Doubt(place, `its queue length ${queue} is no number`);
      return { ...draft, ...address, iface, path, options };
    };
    this.#added.push({
      read,
      draft,
      address: [shelf, slot],
      ...(line.doubt === undefined ? {} : { doubt: line.doubt }),
    });
  }

  #remove(implementation: string, line: Line, [shelf, slot, iface]: readonly (string | undefined)[]): void {
    for (const one of this.#matching(implementation, [shelf, slot])) {
      if (iface !== undefined && iface !== UNKNOWN && one.draft.iface !== iface) continue;
      if (line.doubt === undefined) this.#added.splice(this.#added.indexOf(one), 1);
      else one.doubt ??= `line ${line.line} may remove it`;
    }
  }

  /** Those of an address; a part of it that can't be told may be any. */
  #matching(implementation: string, address: readonly (string | undefined)[]) {
    return this.#added.filter(
      (one) =>
        one.draft.implementation === implementation &&
        one.address.every((part, index) => part === address[index] || address[index] === UNKNOWN),
    );
  }
}
