/**
 * What an implementation is, as data: the schema of `recipes/*.yaml`. An eighth target is a recipe and no code.
 * Texts marked "template" are Handlebars with the variables of `serve/exports/variables.ts` (exports) or
 * `make/compile/variables.ts` (build steps).
 */
import { z } from 'zod';

const hex = (digits: number) =>
  z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`), `expected ${digits} lower-case hex digits`);

const word = z
  .string()
  .regex(/^[a-z0-9][a-z0-9.-]*$/, 'expected lower-case letters, digits, dots and dashes');
const template = z.string();

/** alive: served when last looked at · archived: an archive keeps it · gone: known dead, tried last · unverified: nobody of us saw it */
const SourceState = z.enum(['alive', 'archived', 'gone', 'unverified']);

const sourceCommon = {
  state: SourceState,
  /** Folder inside what is fetched that is the root of the source tree. */
  subdir: z.string().optional(),
  note: z.string().optional(),
};

const Source = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('archive'),
    url: z.url(),
    /** Bytes. */
    size: z.int().positive().optional(),
    sha256: hex(64).optional(),
    sha512: hex(128).optional(),
    md5: hex(32).optional(),
    /**
     * Nobody of us saw this archive, and it holds more than the pinned tree (a configure script, say): it is taken as it
     * comes and reported to differ, rather than refused.
     */
    unpinned: z.literal(true).optional(),
    ...sourceCommon,
  }),
  z.strictObject({
    type: z.literal('git'),
    url: z.string(),
    ref: z.string().optional(),
    ...sourceCommon,
  }),
  z.strictObject({
    type: z.literal('svn'),
    url: z.string(),
    revision: z.int().positive().optional(),
    ...sourceCommon,
  }),
  z.strictObject({
    type: z.literal('debian'),
    package: z.string(),
    /** Upstream version: any Debian revision of it will do. */
    version: z.string(),
    ...sourceCommon,
  }),
  /** Part of this package; nothing is fetched. */
  z.strictObject({ type: z.literal('builtin'), ...sourceCommon }),
]);

/**
 * Versions as `>=2.6.18 <2.6.33`: dotted numbers, comparisons joined by blanks all hold.
 * A condition on a fact that is not known (no kernel was chosen) does not hold.
 */
const range = z
  .string()
  .regex(/^((>=|<=|>|<|=)\d+(\.\d+)*)( (>=|<=|>|<|=)\d+(\.\d+)*)*$/, 'expected e.g. ">=2.6.18 <2.6.33"');

const Condition = z.strictObject({
  release: z.array(z.string()).min(1).optional(),
  /** Version of the kernel that is built for. */
  kernel: range.optional(),
  /** Version of gcc or clang. */
  compiler: range.optional(),
  libc: z.enum(['glibc', 'musl']).optional(),
});

const Patch = z.discriminatedUnion('form', [
  z.strictObject({
    form: z.literal('diff'),
    /** Relative to `patches/`; its header says why. */
    file: z.string(),
    when: Condition.optional(),
  }),
  z.strictObject({
    form: z.literal('edit'),
    id: word,
    why: z.string(),
    /** Paths in the tree; `*` stands for any characters but a slash. */
    files: z.array(z.string()).min(1),
    replace: z.string().min(1),
    by: z.string(),
    /** How often `replace` must occur in all the files together; at least once where no one could count. */
    count: z.int().positive().optional(),
    /** Lines (from 1) on which it must occur, where a document names them. */
    lines: z.array(z.int().positive()).optional(),
    when: Condition.optional(),
  }),
  z.strictObject({
    form: z.literal('file'),
    id: word,
    why: z.string(),
    /** Relative to `patches/`. */
    file: z.string(),
    /** Path in the tree, which must not exist there. */
    to: z.string(),
    when: Condition.optional(),
  }),
]);

/** What a build or a run needs on its host; `debian` is the package that brings it. */
const Requirement = z.union([
  z.strictObject({ command: z.string(), debian: z.string() }),
  z.strictObject({ header: z.string(), debian: z.string() }),
  z.strictObject({ file: z.string(), debian: z.string() }),
]);

const Build = z.strictObject({
  system: z.enum(['make', 'autotools', 'kbuild', 'none']),
  requires: z.array(Requirement),
  env: z.record(z.string(), template).optional(),
  steps: z.array(
    z.strictObject({
      run: z.array(template).min(1),
      cwd: z.string().optional(),
      /** The step runs only where this path is (or is not) in the tree. */
      ifExists: z.string().optional(),
      ifMissing: z.string().optional(),
      why: z.string().optional(),
    }),
  ),
  artifacts: z.array(z.strictObject({ name: z.string(), path: z.string() })),
});

/** A setting that an export may ask for; absent from `options` means that the target lacks it. */
export const OPTION_NAMES = [
  'readOnly',
  'macs',
  'queueLength',
  'directIo',
  'sync',
  'bufferCount',
  'offset',
  'length',
  'broadcast',
  'lockAccess',
] as const;
export type OptionName = (typeof OPTION_NAMES)[number];

const Option = z.strictObject({
  min: z.int().optional(),
  max: z.int().optional(),
  powerOfTwo: z.literal(true).optional(),
  /** Of direct I/O: requests that are no whole sectors of the disk are served as well. */
  unaligned: z.literal(true).optional(),
  note: z.string().optional(),
  /** Why no other values; told when one is refused. */
  why: z.string().optional(),
});

/** An argument, or several that are passed only when a variable is set and true. */
const Argument = z.union([template, z.strictObject({ when: z.string(), args: z.array(template).min(1) })]);
const Argv = z.array(Argument).min(1);

/** What a target prints (of a module: what its kernel says) when it does not start, and the way out. */
const Saying = z.strictObject({
  /** Regular expression of a line. */
  line: z.string(),
  /** Templates, with the variables of an export. */
  means: template,
  next: z.array(template).min(1),
});

const controlCommon = {
  options: z.partialRecord(z.enum(OPTION_NAMES), Option),
  requires: z.array(Requirement).optional(),
  /** Whether it broadcasts an unsolicited answer when an export starts. */
  announces: z.boolean(),
  /** `file`: takes files as well; `device`: block devices only, so that files need a loop device. */
  backing: z.enum(['file', 'device']),
  /** What it looks up of its interface when it starts, and keeps although that changes. */
  keeps: z.array(z.enum(['mac', 'mtu'])).optional(),
  /**
   * Regular expressions of the paths and names of interfaces that it can be told (see `allows`); a loop device serves for
   * other paths.
   */
  path: z.string().optional(),
  iface: z.string().optional(),
  /** Regular expressions, as templates, of what it tells of itself by IDENTIFY DEVICE; where it is always so. */
  identity: z.strictObject({ model: z.string().optional(), serial: z.string().optional() }).optional(),
  /**
   * Where the MAC mask list and reservation that initiators set lie; absent: it has none. `told`: its status file tells them,
   * and its configuration can have them cleared; `files`: in its folder, as ggaoed keeps them; `memory`: they end with it.
   */
  access: z.enum(['told', 'files', 'memory']).optional(),
  /** The last line printed that one of them knows counts. */
  says: z.array(Saying).optional(),
};

/** Of root's rights, as capabilities(7) calls them. */
const Capability = z.enum([
  'net_raw',
  'net_admin',
  'dac_override',
  'dac_read_search',
  'ipc_lock',
  'sys_admin',
  'sys_nice',
  'sys_rawio',
  'sys_resource',
]);

const programCommon = {
  run: Argv,
  /** Signals by name, e.g. TERM. */
  stop: z.string(),
  /**
   * All that it needs of root's rights, as it was measured. `dac_override` is for files that root may open only against
   * their modes: where no file of a process is such a one, it does not get it.
   */
  capabilities: z.array(Capability).optional(),
};

/** The three shapes that cover all targets. */
const Control = z.discriminatedUnion('shape', [
  z.strictObject({
    shape: z.literal('process'),
    ...controlCommon,
    ...programCommon,
  }),
  z.strictObject({
    shape: z.literal('daemon'),
    ...controlCommon,
    ...programCommon,
    /** It runs without exports as well, and takes changes once this file is in its folder. */
    idle: z.string().optional(),
    /** Regular expression of the folders of its own that its configuration can express, as `path`. */
    folder: z.string().optional(),
    /** Relative to `templates/`; rendered into the daemon's own folder. */
    config: z.strictObject({ template: z.string(), name: z.string() }),
    /**
     * How a running daemon takes a changed configuration: a signal, commands for each export added or removed,
     * or a restart (all its exports pause).
     */
    change: z.discriminatedUnion('by', [
      z.strictObject({ by: z.literal('signal'), signal: z.string() }),
      z.strictObject({
        by: z.literal('commands'),
        add: z.array(Argv).min(1),
        remove: z.array(Argv).min(1),
        /** What these commands can't express is taken from the configuration, by a signal. */
        otherwise: z
          .strictObject({
            signal: z.string(),
            options: z.array(z.enum(OPTION_NAMES)),
            /** An interface that the daemon does not serve yet. */
            newInterface: z.boolean(),
          })
          .optional(),
      }),
      z.strictObject({ by: z.literal('restart') }),
    ]),
  }),
  z.strictObject({
    shape: z.literal('control-file'),
    ...controlCommon,
    module: z.string(),
    load: z.array(Argv).min(1),
    unload: z.array(Argv).min(1),
    /** There when the module is loaded. */
    ready: z.string(),
    add: z.array(z.strictObject({ path: template, line: template })).min(1),
    remove: z.array(z.strictObject({ path: template, line: template })).min(1),
    list: z.strictObject({
      /** A folder: its names; a file: its lines; with `*` for a folder's name: the lines of the file in each. */
      path: z.string(),
      /** Regular expression with groups named shelf, slot and (where it tells) iface. */
      match: z.string(),
    }),
    /** Where a refusal can be read. */
    refusals: z.enum(['errno', 'kernel-log']),
  }),
]);

const Quirk = z.strictObject({
  id: word,
  text: z.string(),
  releases: z.array(z.string()).optional(),
  /** Conformance cases that fail because of it, by name; `*` stands for any characters. */
  cases: z.array(z.string()).min(1).optional(),
});

const Verified = z.strictObject({
  release: z.string(),
  /** What was done: built, exported, discovered, … */
  what: z.string(),
  /** System, compiler or kernel. */
  on: z.string(),
  date: z.iso.date(),
});

const Release = z.strictObject({
  version: z.string(),
  default: z.boolean().optional(),
  note: z.string().optional(),
  /** Set where this version of aoe-lab can't build or run it, and why. */
  unavailable: z.string().optional(),
  /** Relative to `templates/`: a shell script for the system that it runs on, with the variables of `serve/exports/script.ts`. */
  script: z.string().optional(),
  /** A module's: the kernels that one and the same patched tree is built for, from a version on; DKMS needs to know. */
  kernelsFrom: z
    .string()
    .regex(/^\d+\.\d+$/, 'expected e.g. "5.10"')
    .optional(),
  sources: z.array(Source),
  /** Digests of the whole source tree (see make/store/tree-digest.ts) as it was seen at some place. */
  trees: z.array(z.strictObject({ sha256: hex(64), seen: z.string() })).optional(),
  /** Replaces the recipe's `build` for this release. */
  build: Build.optional(),
  /** Replaces the recipe's `control` for this release. */
  control: Control.optional(),
});

export const Recipe = z.strictObject({
  name: word,
  title: z.string(),
  kind: z.enum(['kernel module', 'user-space daemon', 'native']),
  summary: z.string(),
  releases: z.array(Release).min(1),
  patches: z.array(Patch),
  build: Build,
  control: Control,
  /** Commands of the original guide, as a person typed them. */
  guide: z.array(z.string()),
  quirks: z.array(Quirk),
  verified: z.array(Verified),
});

export type Recipe = z.infer<typeof Recipe>;
export type Release = z.infer<typeof Release>;
export type Source = z.infer<typeof Source>;
export type SourceState = z.infer<typeof SourceState>;
export type Patch = z.infer<typeof Patch>;
export type Condition = z.infer<typeof Condition>;
export type Build = z.infer<typeof Build>;
export type Control = z.infer<typeof Control>;
export type Capability = z.infer<typeof Capability>;
export type Saying = z.infer<typeof Saying>;
export type Requirement = z.infer<typeof Requirement>;
