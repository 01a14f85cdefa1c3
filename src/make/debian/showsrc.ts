/** What `apt-cache showsrc` prints: deb822 stanzas. No I/O. */

export interface SourcePackage {
  name: string;
  /** Debian's version, such as `25-1`. */
  version: string;
}

export function parseShowsrc(text: string): SourcePackage[] {
  return text.split(/\n\s*\n/).flatMap((stanza) => {
    const name = /^Package: (\S+)$/m.exec(stanza)?.[1];
    const version = /^Version: (\S+)$/m.exec(stanza)?.[1];
    return name === undefined || version === undefined ? [] : [{ name, version }];
  });
}

/** `1:25-1` → `25` (Debian policy 5.6.12: [epoch:]upstream[-revision]). */
export function upstreamVersion(version: string): string {
  const withoutEpoch = version.replace(/^\d+:/, '');
  const dash = withoutEpoch.lastIndexOf('-');
  return dash === -1 ? withoutEpoch : withoutEpoch.slice(0, dash);
}
