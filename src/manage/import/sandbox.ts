/**
 * What a unit keeps its commands from (systemd.exec(5), systemd.resource-control(5)): an export that may do less than its words
 * say is not taken over, as it would be served with more. Settings that narrow nothing are named; every other one may.
 */
import { posix } from 'node:path';
import type { FoundExport } from './found.js';

export interface UnitSetting {
  /** `Service`; empty where no section has begun. */
  section: string;
  key: string;
  text: string;
}

/** Neither what may be opened or written, nor where frames go. */
const HARMLESS = new RegExp(
  `^(${[
    'Type|RemainAfterExit|PIDFile|GuessMainPID|BusName|NotifyAccess|Exec\\w+|Restart\\w*|StartLimit\\w+|Timeout\\w+|Watchdog\\w+',
    'SuccessExitStatus|KillMode|\\w*KillSignal|SendSIG\\w+|IgnoreSIGPIPE|OOM\\w+|FileDescriptorStoreMax|RootDirectoryStartOnly',
    'Environment|EnvironmentFile|PassEnvironment|UnsetEnvironment|WorkingDirectory|UMask|KeyringMode|RemoveIPC',
    '(Runtime|State|Cache|Logs|Configuration)Directory\\w*',
    'Nice|CPU\\w+|NUMA\\w+|IOScheduling\\w+|IOWeight|StartupIOWeight|IO(Read|Write)(Bandwidth|IOPS)Max|IOAccounting|Memory\\w+|Tasks\\w+|TimerSlackNSec',
    'Limit(?!FSIZE)\\w+|Slice|Delegate\\w*|IPAccounting|IPAddress(Allow|Deny)|Managed\\w+',
    'Standard\\w+|Syslog\\w+|Log\\w+|TTY\\w+|UtmpIdentifier|UtmpMode',
    'NoNewPrivileges|LockPersonality|Restrict(Realtime|SUIDSGID|Namespaces)|PrivateMounts|PrivateIPC|MountFlags|MountAPIVFS',
    'Protect(Clock|Hostname|KernelLogs|KernelModules|KernelTunables|ControlGroups|Proc)|ProcSubset',
    'SystemCall(Architectures|ErrorNumber|Log)|AmbientCapabilities|SupplementaryGroups',
  ].join('|')})$`,
);

/** Read for each export, by its path. */
const BY_PATH =
  /^(ReadOnly|Inaccessible|ReadWrite|Exec|NoExec)(Paths|Directories)$|^(ProtectSystem|ProtectHome|PrivateTmp|PrivateDevices|DevicePolicy|DeviceAllow)$/;

const YES = /^(1|yes|y|true|t|on)$/i;
const NO = /^(0|no|n|false|f|off)?$/i;

/** Why nothing of a unit can be taken over. */
export function unitLimit(settings: readonly UnitSetting[]): string | undefined {
  const own = settings.filter(({ section }) => section === 'Service' || section === '');
  const limit = own.find(
    ({ key, text }) => text !== '' && !HARMLESS.test(key) && !BY_PATH.test(key) && !isHarmless(key, text),
  );
  return limit && `${limit.key}=${limit.text} may keep it from what it serves`;
}

/** Whether a setting may narrow anything at all. */
export function mayLimit({ section, key, text }: UnitSetting): boolean {
  return section === 'Service' && text !== '' && !HARMLESS.test(key) && !isHarmless(key, text);
}

/** Settings that narrow nothing with this value. */
function isHarmless(key: string, text: string): boolean {
  switch (key) {
    case 'User':
    case 'Group':
      return text === 'root' || text === '0';
    case 'RestrictAddressFamilies':
      return !text.startsWith('~') && text.split(/\s+/).includes('AF_PACKET');
    case 'CapabilityBoundingSet':
      return ['CAP_NET_RAW', 'CAP_DAC_OVERRIDE'].every((one) => text.split(/\s+/).includes(one));
    case 'SystemCallFilter':
      return /^@system-service\b/.test(text);
    default:
      return NO.test(text);
  }
}

/** Why an export would do more than its unit lets it. */
export function narrowing(
  settings: readonly UnitSetting[],
  { path, options }: Pick<FoundExport, 'path' | 'options'>,
): string | undefined {
  const last = (key: string): string =>
    settings.findLast((one) => one.key === key && one.section !== 'Unit')?.text ?? '';
  const file = posix.normalize(path);
  const listed = (...keys: string[]): { key: string; at: string }[] => pathsOf(settings, keys);
  const cover = (places: readonly { key: string; at: string }[]): { key: string; at: string } | undefined =>
    places.find(({ at }) => isBelow(file, at));
  const hidden = cover(listed('InaccessiblePaths', 'InaccessibleDirectories'));
  if (hidden !== undefined) return `${hidden.key}=${hidden.at} hides ${path} from it`;
  const home = last('ProtectHome');
  const isOfHome = HOMES.some((at) => isBelow(file, at));
  if (isOfHome && !NO.test(home) && home !== 'read-only') return `ProtectHome=${home} hides ${path} from it`;
  if (YES.test(last('PrivateTmp')) || last('PrivateTmp') === 'disconnected') {
    if (TMP.some((at) => isBelow(file, at)))
      return `PrivateTmp=${last('PrivateTmp')} gives it another ${path}`;
  }
  if (isBelow(file, '/dev')) return deviceLimit(settings, path, file, last, options.readOnly ?? false);
  if (options.readOnly) return undefined;
  const readOnly = cover(listed('ReadOnlyPaths', 'ReadOnlyDirectories'));
  const system = last('ProtectSystem');
  const isProtected =
    (system === 'strict' && 'strict') ||
    (system === 'full' && SYSTEM_FULL.some((at) => isBelow(file, at)) && 'full') ||
    (YES.test(system) && SYSTEM.some((at) => isBelow(file, at)) && system);
  const keeping =
    readOnly !== undefined
      ? `${readOnly.key}=${readOnly.at}`
      : isOfHome && home === 'read-only'
        ? 'ProtectHome=read-only'
        : isProtected
          ? `ProtectSystem=${isProtected}`
          : undefined;
  if (keeping === undefined) return undefined;
  // What is listed deeper holds.
  const written = cover(listed('ReadWritePaths', 'ReadWriteDirectories'));
  if (written !== undefined && written.at.length > (readOnly?.at.length ?? 0)) return undefined;
  return `${keeping} keeps it from writing to ${path}`;
}

const HOMES = ['/home', '/root', '/run/user'];
const TMP = ['/tmp', '/var/tmp'];
const SYSTEM = ['/usr', '/boot', '/efi', '/bin', '/sbin', '/lib', '/lib64'];
const SYSTEM_FULL = [...SYSTEM, '/etc'];

function deviceLimit(
  settings: readonly UnitSetting[],
  path: string,
  file: string,
  last: (key: string) => string,
  readOnly: boolean,
): string | undefined {
  if (!NO.test(last('PrivateDevices')))
    return `PrivateDevices=${last('PrivateDevices')} hides ${path} from it`;
  const policy = last('DevicePolicy');
  const allowed = since(settings, ['DeviceAllow']).map(({ text }) => text.split(/\s+/));
  // Without a policy, what is allowed makes one.
  if (['', 'auto'].includes(policy) && allowed.length === 0) return undefined;
  const rights = allowed.find(([device = '']) => posix.normalize(device) === file);
  // Without any, `rwm`.
  const [, given = 'rwm'] = rights ?? [];
  if (rights !== undefined && given.includes('r') && (readOnly || given.includes('w'))) return undefined;
  const limit = policy === '' ? 'DeviceAllow' : `DevicePolicy=${policy}`;
  return rights === undefined
    ? `${limit} may keep it from opening ${path}`
    : `DeviceAllow=${rights.join(' ')} keeps it from writing to ${path}`;
}

/** An empty one takes back those before it. */
function since(settings: readonly UnitSetting[], keys: readonly string[]): UnitSetting[] {
  const some = settings.filter(({ key, section }) => keys.includes(key) && section !== 'Unit');
  return some.slice(some.findLastIndex(({ text }) => text === '') + 1);
}

/** What can't be told of a list, such as a specifier, covers all. */
function pathsOf(settings: readonly UnitSetting[], keys: readonly string[]): { key: string; at: string }[] {
  const isNarrowing = !keys.some((key) => key.startsWith('ReadWrite'));
  return since(settings, keys).flatMap(({ key, text }) =>
    text.split(/\s+/).flatMap((word) => {
      const plain = word.replace(/^[-+]+/, '');
      const isPlain = /^\/[^%"'\\$]*$/.test(plain);
      if (isPlain) return [{ key, at: posix.normalize(plain) }];
      return isNarrowing ? [{ key, at: '/' }] : [];
    }),
  );
}

function isBelow(path: string, folder: string): boolean {
  const at = folder.length > 1 ? folder.replace(/\/+$/, '') : folder;
  return at === '/' || path === at || path.startsWith(`${at}/`);
}
