/**
 * One target ends and another one starts, by a shell that waits for a word: between the two lies no round trip to a host,
 * no process to be made here and nothing that this process might be busy with.
 */
import { posix } from 'node:path';
import type { Action } from './driver.js';
import type { EntryStore } from './entry.js';
import { END_PROCESSES } from './processes.js';

/** `$1` is the pipe that the word comes by, `$2` a signal, `$3` the state folder, `$4` the processes to end, the rest the command to become. */
const SCRIPT = `${END_PROCESSES}
know "$3" $4
read -r word < "$1" && [ "$word" = go ] || exit 1
end_processes "$2" || exit 1
shift 4
exec "$@"`;

/**
 * Prepares the change. The shell carries the mark of the target that it becomes, so that one whose command was killed is
 * found and ended with it.
 * @returns undefined where one of the two needs more than that
 */
export async function prepareCutover(
  store: EntryStore,
  stop: Action,
  start: Action,
): Promise<Action | undefined> {
  const { host } = store;
  const { ends } = stop;
  const { begins } = start;
  if (ends === undefined || begins === undefined || ends.pids.length === 0) return undefined;
  // A name there that belongs to no entry is swept away (see garbage.ts).
  const pipe = posix.join(store.daemonsFolder(), 'hand-over');
  await host.run(['mkdir', '-p', store.daemonsFolder()]);
  await host.remove(pipe);
  await host.run(['mkfifo', '-m', '600', pipe]);
  const words = [pipe, ends.signal, store.folder, ends.pids.join(' ')];
  await host
    .inNamespace(begins.netns)
    .start(['sh', '-c', SCRIPT, 'sh', ...words, ...begins.argv], begins.options);
  return {
    run: async () => {
      // Without anybody who reads it would wait for ever.
      await host.run(['sh', '-c', 'echo go > "$1"', 'sh', pipe], { timeout: 10_000 });
      await host.remove(pipe);
    },
  };
}
