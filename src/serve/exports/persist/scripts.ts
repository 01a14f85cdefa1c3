/** Hosts without a service manager that we know: scripts, called by what such a host calls at boot. */
import type { Host } from '../../../hosts/host/host.js';
import type { StateFolder } from '../entry.js';
import { lateFault } from './late.js';
import { bootServiceName, scriptPath } from './names.js';
import type { ServiceManager } from './service-manager.js';

const INIT_SCRIPTS = '/etc/init.d';
/** It is called at the end of the boot, where it is there and may be executed. */
const LOCAL = '/etc/rc.local';

export function scripts(host: Host): ServiceManager {
  const stop = async (service: string, state: StateFolder): Promise<void> => {
    const path = scriptPath(state, service);
    if ((await host.stat(path)) !== undefined) await host.run(['sh', path, 'stop']);
  };
  const enableArgvs = async (_: readonly string[], state: StateFolder): Promise<string[][]> =>
    (await hasInitScripts(host)) ? [['update-rc.d', bootServiceName(state), 'defaults']] : [];
  return {
    kind: 'scripts',
    startArgv: (service, state) => ['sh', scriptPath(state, service), 'start'],
    start: async (service, state) => {
      await host.run(['sh', scriptPath(state, service), 'start']);
    },
    stop,
    enableArgvs,
    enable: async (services, state) => {
      for (const argv of await enableArgvs(services, state)) await host.run(argv);
      if (!(await hasInitScripts(host)) && (await hasLocal(host))) await changeLocal(host, state, true);
    },
    // The script of the boot names those that it starts.
    retire: async () => {},
    disable: async (services, state) => {
      for (const service of services) await stop(service, state);
    },
    forget: async (_, state, isLast) => {
      if (!isLast) return;
      if (await hasInitScripts(host)) await host.run(['update-rc.d', bootServiceName(state), 'remove']);
      else if (await hasLocal(host)) await changeLocal(host, state, false);
    },
    fault: async (service, state) => {
      for (const path of [scriptPath(state, service), scriptPath(state, bootServiceName(state))]) {
        if ((await host.stat(path)) === undefined) return `the script ${path} is missing`;
      }
      const name = bootServiceName(state);
      if (await hasInitScripts(host)) {
        // Debian's runlevel of a running system.
        const isCalled = (await host.list('/etc/rc2.d')).some(
          (link) => /^S\d\d(.*)/.exec(link)?.[1] === name,
        );
        if (!isCalled) return `${INIT_SCRIPTS}/${name} is not called at boot`;
      } else if ((await hasLocal(host)) && !(await localLines(host)).includes(callOf(state))) {
        return `${LOCAL} does not call it`;
      }
      return lateFault(host, state, service);
    },
    starter: async (state) => {
      if (await hasInitScripts(host)) return `${INIT_SCRIPTS}/${bootServiceName(state)}`;
      return (await hasLocal(host)) ? LOCAL : undefined;
    },
  };
}

/** System V's way, as Debian and its kin have it. */
export async function hasInitScripts(host: Host): Promise<boolean> {
  const there = await Promise.all([host.stat(INIT_SCRIPTS), host.stat('/usr/sbin/update-rc.d')]);
  return there.every((one) => one !== undefined);
}

/** Without the right to be executed it is not called, and what it holds is not for us to bring to life. */
async function hasLocal(host: Host): Promise<boolean> {
  return (await host.run(['test', '-x', LOCAL], { accept: [1] })).exitCode === 0;
}

function callOf(state: StateFolder): string {
  return `sh ${scriptPath(state, bootServiceName(state))} start`;
}

async function localLines(host: Host): Promise<string[]> {
  return (await host.read(LOCAL)).toString().replace(/\n$/, '').split('\n');
}

/** One line, before the `exit 0` that such a file ends with. */
async function changeLocal(host: Host, state: StateFolder, isThere: boolean): Promise<void> {
  const call = callOf(state);
  const lines = await localLines(host);
  if (lines.includes(call) === isThere) return;
  const rest = lines.filter((line) => line !== call);
  const exit = rest.findLastIndex((line) => /^\s*exit\b/.test(line));
  const at = exit < 0 ? rest.length : exit;
  const changed = isThere ? [...rest.slice(0, at), call, ...rest.slice(at)] : rest;
  // Red Hat's and others have a link there.
  const path = (await host.run(['readlink', '-f', LOCAL])).stdout.trimEnd();
  await host.write(path, `${changed.join('\n')}\n`, 0o755);
}
