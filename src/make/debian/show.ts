/** What `apt-cache show` and `apt-get --simulate install` print. No I/O. */

/** A binary package as the archive's signed index describes it. */
export interface BinaryPackage {
  name: string;
  /** Debian's, such as `6.1.140-1`. */
  version: string;
  sha256: string;
  /** Bytes of the .deb. */
  size: number;
  /** Names of the packages it depends on; of alternatives the first. */
  depends: string[];
}

export function parseShow(text: string): BinaryPackage[] {
  return text.split(/\n\s*\n/).flatMap((stanza) => {
    const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(stanza)?.[1] ?? '';
    const [name, version, sha256, size] = ['Package', 'Version', 'SHA256', 'Size'].map(field);
    if (!name || !version || !/^[0-9a-f]{64}$/.test(sha256 ?? '') || !/^\d+$/.test(size ?? '')) return [];
    const depends = [field('Pre-Depends'), field('Depends')]
      .flatMap((list) => list.split(','))
      .flatMap((clause) => /^\s*([a-z0-9][a-z0-9+.-]*)/.exec(clause)?.[1] ?? []);
    return [{ name, version, sha256: sha256 as string, size: Number(size), depends }];
  });
}

/** `Inst NAME (VERSION …` → names. */
export function parseSimulation(text: string): string[] {
  return [...text.matchAll(/^Inst (\S+) \(/gm)].map((match) => match[1] as string);
}
