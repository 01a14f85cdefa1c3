import type { ExportEntry } from '../../../src/serve/exports/entry.js';

/** What an entry says of its file; a path alone is its name as well. */
export function backingOf(part: Partial<ExportEntry['backing']>): ExportEntry['backing'] {
  const path = part.path ?? '/srv/disk';
  return {
    name: path,
    path,
    opens: path,
    kind: 'file',
    size: 1 << 20,
    identity: null,
    made: false,
    loop: false,
    loopsBefore: [],
    ...part,
  };
}

/** An entry as tests need it; what matters to one is given. */
export function entryOf(part: Partial<ExportEntry>): ExportEntry {
  return {
    format: 1,
    phase: 'running',
    implementation: 'vblade',
    release: '25',
    shelf: 0,
    slot: 1,
    iface: 'eth0',
    backing: backingOf({}),
    options: {},
    build: 'b'.repeat(64),
    artifacts: ['vblade'],
    control: {
      shape: 'process',
      run: ['{{artifact.vblade}}'],
      stop: 'TERM',
      announces: true,
      backing: 'file',
      options: {},
    },
    since: '2026-01-01T00:00:00.000Z',
    bootId: 'boot',
    ...part,
  };
}
