/**
 * What a file `lab.yaml` may say: hosts, segments and the exports that should be, with defaults. Any value may be
 * `${NAME}`, a variable's; those are put in before this schema is asked (see load.ts).
 */

import { z } from 'zod';
import { parseSize } from '../../base/units.js';
import { FINDINGS } from '../../serve/storage/findings.js';
import { parseMac, unusableAsSource } from '../../wire/aoe/ethernet.js';
import { LAST_SHELF, LAST_SLOT } from '../../wire/aoe/index.js';

const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'expected letters, digits, dots, dashes and underscores');

/** Names of variables: what `${…}` may hold. */
export const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Linux takes up to 15 bytes (IFNAMSIZ less the end). */
const Interface = z.string().regex(/^[^\s/:]{1,15}$/, 'expected the name of a network interface');

/** AoE revision 11: 0xFFFF and 0xFF address all. */
const Address = z
  .string('expected an address such as e0.1 (shelf 0, slot 1)')
  .regex(/^e\d{1,5}\.\d{1,3}$/, 'expected an address such as e0.1 (shelf 0, slot 1)')
  .transform((text) => {
    const [shelf, slot] = text.slice(1).split('.').map(Number) as [number, number];
    return { shelf, slot };
  })
  .refine(
    ({ shelf, slot }) => shelf <= LAST_SHELF && slot <= LAST_SLOT,
    `the last address is e${LAST_SHELF}.${LAST_SLOT}`,
  );

const Mac = z
  .string()
  .regex(/^([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}$/, 'expected a MAC address such as 00:11:22:33:44:55')
  .transform((text) => text.toLowerCase().replaceAll('-', ':'))
  .superRefine((mac, context) => {
    const why = unusableAsSource(parseMac(mac) ?? 0);
    if (why !== undefined) context.addIssue({ code: 'custom', message: `${mac} admits nobody: ${why}` });
  });

const Size = z.union([z.int().positive(), z.string()]).transform((value, context) => {
  try {
    return typeof value === 'number' ? value : parseSize(value);
  } catch {
    context.addIssue({ code: 'custom', message: 'expected a size such as 256M or 2G' });
    return z.NEVER;
  }
});

const Path = z.string().regex(/^\/./, "expected an absolute path on the export's host");

const Options = z.strictObject({
  readOnly: z.boolean().optional(),
  /** Initiators it serves; everybody where none is named. */
  macs: z.array(Mac).optional(),
  queueLength: z.int().positive().optional(),
  directIo: z.boolean().optional(),
  sync: z.boolean().optional(),
  bufferCount: z.int().positive().optional(),
  /** Sectors. */
  offset: z.int().nonnegative().optional(),
  /** Sectors. */
  length: z.int().positive().optional(),
  broadcast: z.boolean().optional(),
  /** Nothing can be changed over the wire but data. Left out: so where `macs` are named, when it is made. */
  lockAccess: z.boolean().optional(),
});

/** Settings that an export may give itself or take from `defaults`. */
const settings = {
  host: name.optional(),
  implementation: name.optional(),
  /** The segment it is on, which tells the interface. */
  segment: name.optional(),
  /** Where it is on no segment, or on another interface than its host has there. */
  interface: Interface.optional(),
  /** Named network namespace of the interface. */
  netns: name.optional(),
  /** Bytes, or such as 256M: a missing file is made with it. */
  size: Size.optional(),
  /** A loop device between file and target even where the target takes files. */
  loop: z.boolean().optional(),
  options: Options.optional(),
  /** When its process is started again by itself. */
  restart: z.enum(['on-failure', 'never']).optional(),
  /** Whether it comes back after a reboot of its host. */
  persist: z.boolean().optional(),
  /** Although something speaks against it: these findings are overridden. */
  allow: z.array(z.enum(FINDINGS)).optional(),
  /** The same for whatever is found. */
  force: z.boolean().optional(),
};

/** Which release of an implementation, and where its source is. */
const provision = {
  release: z.string().optional(),
  /** Your copy of the source: a folder, an archive or a URL. */
  source: z.string().optional(),
  /** A source is built for which neither a pinned digest nor TLS vouches. */
  unpinned: z.boolean().optional(),
};

const Implementation = z.strictObject({ ...provision, options: Options.optional() });

const Segment = z.strictObject({
  /** Its interface on every host that says nothing else. */
  interface: Interface.optional(),
  /** Of IEEE 802.1Q: the interface is then `INTERFACE.VLAN`. */
  vlan: z.int().min(1).max(4094).optional(),
  /** Bytes; what its interfaces should have. */
  mtu: z.int().min(576).max(65_535).optional(),
  netns: name.optional(),
});

const Host = z.strictObject({
  /** `[user@]address[:port]`, a name that ~/.ssh/config or `aoe-lab host` knows, or `here`. Default: the key. */
  ssh: z.string().min(1).optional(),
  /** Segment → its interface on this host, as it is. */
  interfaces: z.record(name, Interface).optional(),
});

const Export = z.strictObject({ address: Address, file: Path, ...settings, ...provision });

export const LabFile = z.strictObject({
  /** Name of the lab: its exports carry it on their hosts, and only what carries it is ever changed or ended. */
  lab: name,
  /** Each with its value, or empty where `--var NAME=VALUE` has to give it. */
  variables: z
    .record(
      z.string().regex(VARIABLE_NAME, 'expected letters, digits and underscores'),
      z.union([z.string(), z.number(), z.boolean(), z.null()]),
    )
    .optional(),
  defaults: z.strictObject(settings).optional(),
  /** Per implementation; stronger than `defaults`, weaker than what an export says itself. */
  implementations: z.record(name, Implementation).optional(),
  segments: z.record(name, Segment).optional(),
  hosts: z.record(name, Host.nullable()),
  exports: z.array(Export),
});

export type LabFile = z.infer<typeof LabFile>;
