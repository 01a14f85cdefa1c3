/** From a host's name, as ssh(1) takes it, to all that is needed to reach it. */

import { userInfo } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '../../../base/errors.js';
import { ownHome } from '../../../base/files/own-folders.js';
import { parseDestination, refuseUnsafe } from './address.js';
import { expandPath, expandTokens, readSettings, type Settings, tokensOf } from './config.js';

/** What is said beside the name; it has precedence over ssh's configuration, as ssh's options have. */
export interface Given {
  user?: string | undefined;
  port?: number | undefined;
  /** Path of a private key. */
  identity?: string | undefined;
  /** Hosts to jump over, joined by commas; `none` for none. */
  jump?: string | undefined;
}

export interface Resolved {
  /** As it was named. */
  name: string;
  host: string;
  user: string;
  port: number;
  /** Hosts to jump over, the nearest first. */
  jumps: readonly string[];
  proxyCommand: string | undefined;
  keys: { files: readonly string[]; agent: string | undefined; onlyFiles: boolean };
  mayAsk: boolean;
  hostKey: {
    host: string;
    isAlias: boolean;
    userFiles: readonly string[];
    globalFiles: readonly string[];
    acceptNew: boolean;
  };
  /** Milliseconds. */
  connectTimeout: number;
  /** Milliseconds. */
  keepalive: number;
  /** 4, 6, or 0 for either. */
  family: 0 | 4 | 6;
}

const DEFAULT_KEYS = ['id_ed25519', 'id_ecdsa', 'id_rsa'];

/** @throws UsageError for settings that can't be meant, or that aoe-lab has no means for */
export async function resolveHost(name: string, given: Given = {}): Promise<Resolved> {
  const destination = parseDestination(name);
  const user = given.user ?? destination.user;
  refuseUnsafe(destination.host, user);
  const port = given.port ?? destination.port;
  const start: Settings = new Map();
  if (user !== undefined) start.set('user', [user]);
  if (port !== undefined) start.set('port', [String(port)]);
  if (given.identity !== undefined) start.set('identityfile', [given.identity.replaceAll('%', '%%')]);
  if (given.jump !== undefined) start.set('proxyjump', [given.jump]);
  const resolved = interpret(destination.host, await readSettings(destination.host, start));
  refuseUnsafe(resolved.host, resolved.user);
  for (const hop of resolved.jumps) parseDestination(hop);
  return resolved;
}

function interpret(name: string, settings: Settings): Resolved {
  const value = (key: string): string | undefined => settings.get(key)?.[0];
  const tokens = tokensOf(name, settings);
  const paths = (key: string, fallback: string[]): string[] =>
    (settings.get(key) ?? fallback).filter((path) => path !== 'none').map((path) => expandPath(path, tokens));
  const isYes = (key: string): boolean => value(key)?.toLowerCase() === 'yes';
  const seconds = (key: string, fallback: number): number => {
    const text = value(key);
    const match = text === undefined ? null : /^(\d+)([smh]?)$/i.exec(text);
    const found =
      match === null
        ? 0
        : Number(match[1]) * { s: 1, m: 60, h: 3600 }[(match[2] || 's').toLowerCase() as 's'];
    return found > 0 ? found * 1000 : fallback;
  };
  const port = Number(value('port') ?? 22);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new UsageError({
      tried: `reading ssh's configuration for ${name}`,
      happened: `Port ${value('port')} is none`,
    });
  }
  const jump = value('proxyjump');
  const jumps =
    jump === undefined || jump.toLowerCase() === 'none' ? [] : jump.split(',').map((hop) => hop.trim());
  const command = value('proxycommand');
  const files = settings.get('identityfile');
  const ssh = join(ownHome(), '.ssh');
  const alias = value('hostkeyalias');
  const host = expandTokens(value('hostname') ?? '%h', { '%': '%', h: name });
  return {
    name,
    host,
    user: value('user') ?? userInfo().username,
    port,
    jumps,
    proxyCommand: proxyOf(command, jump, settings, tokens),
    keys: {
      files:
        files === undefined
          ? DEFAULT_KEYS.map((key) => join(ssh, key))
          : [...new Set(paths('identityfile', []))],
      agent: agentOf(value('identityagent'), tokens),
      onlyFiles: isYes('identitiesonly'),
    },
    mayAsk: !isYes('batchmode'),
    hostKey: {
      host: alias ?? host,
      isAlias: alias !== undefined,
      userFiles: paths('userknownhostsfile', [join(ssh, 'known_hosts'), join(ssh, 'known_hosts2')]),
      globalFiles: paths('globalknownhostsfile', ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2']),
      // `no` would take a changed key too: nobody is served by that.
      acceptNew: ['accept-new', 'no', 'off'].includes(value('stricthostkeychecking')?.toLowerCase() ?? ''),
    },
    connectTimeout: seconds('connecttimeout', 20_000),
    keepalive: seconds('serveraliveinterval', 5000),
    family: ({ inet: 4, inet6: 6 } as const)[value('addressfamily')?.toLowerCase() ?? ''] ?? 0,
  };
}

/** Whichever of ProxyJump and ProxyCommand stands first counts to ssh; here ProxyJump does. */
function proxyOf(
  command: string | undefined,
  jump: string | undefined,
  settings: Settings,
  tokens: Record<string, string>,
): string | undefined {
  if (command === undefined || jump !== undefined || command.toLowerCase() === 'none') return undefined;
  const words = (settings.get('proxycommand') ?? []).join(' ');
  if (settings.get('proxyusefdpass')?.[0]?.toLowerCase() === 'yes') {
    throw new UsageError({
      tried: `reading ssh's configuration for ${tokens.n}`,
      happened: 'ProxyUseFdpass has the ProxyCommand hand over a socket, for which aoe-lab has no means',
      next: 'set ProxyJump, or a ProxyCommand that passes the bytes on (nc %h %p)',
    });
  }
  return expandTokens(words, tokens);
}

function agentOf(setting: string | undefined, tokens: Record<string, string>): string | undefined {
  const ambient = process.env.SSH_AUTH_SOCK || undefined;
  if (setting === undefined || setting === 'SSH_AUTH_SOCK') return ambient;
  if (setting.toLowerCase() === 'none') return undefined;
  // `$NAME` names a variable of the environment.
  return setting.startsWith('$') && !setting.startsWith('${')
    ? process.env[setting.slice(1)] || undefined
    : expandPath(setting, tokens);
}
