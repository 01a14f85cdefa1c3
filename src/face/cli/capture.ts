import { type Command, InvalidArgumentError } from 'commander';
import type { WatchedFrame } from '../../wire/link/watch.js';
import { line } from '../ui/colors.js';
import { MOST_MILLISECONDS, whole } from './options.js';
import { untilStopped } from './signals.js';

interface Options {
  iface: string;
  netns?: string;
  write?: string;
  count?: number;
  seconds?: number;
  quiet?: boolean;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command('capture')
    .description('show the AoE frames that pass an interface, either way, in words')
    .requiredOption('--iface <IF>', 'network interface')
    .option('--netns <NAME>', 'network namespace of the interface')
    .option('--write <FILE>', 'write them to a pcapng file as well, which Wireshark opens')
    .option('--count <N>', 'end after so many frames', whole(1))
    .option('--seconds <N>', 'end after so much time', positive)
    .option('--quiet', 'print no frames')
    .option('--json', 'print JSON, an object a line')
    .action(async (options: Options) => {
      const [
        { openPacketLink },
        { Capture },
        { watch },
        { frameLine },
        { jsonText, note, printPart },
        { judgeOverwrite },
      ] = await Promise.all([
        import('../../wire/link/packet.js'),
        import('../../wire/link/capture.js'),
        import('../../wire/link/watch.js'),
        import('../ui/dissect.js'),
        import('../ui/output.js'),
        import('../../serve/exports/overwrite.js'),
      ]);
      const { iface, netns, write } = options;
      const link = await openPacketLink({ iface, netns, everything: true, promiscuous: true });
      try {
        const capture = write === undefined ? undefined : await Capture.open(write, judgeOverwrite);
        const describe = options.json ? (seen: WatchedFrame) => jsonText(seen) : frameLine;
        const summary = await untilStopped((signal) => {
          // Only now Ctrl-C is waited for.
          if (!options.json && !options.quiet) note(line`listening on ${link.name}; Ctrl-C ends it`);
          return watch(link, {
            capture,
            most: options.count,
            milliseconds: options.seconds && options.seconds * 1000,
            signal,
            onFrame: (seen) => {
              if (!options.quiet) printPart(`${describe(seen)}\n`);
            },
          });
        });
        const { frames, requests, responses, troubles, seconds } = summary;
        note(
          line`${frames} frames in ${seconds.toFixed(1)} s: ${requests} requests, ${responses} answers, ${troubles} with errors${write ? `; in ${write}` : ''}`,
        );
      } finally {
        await link.close();
      }
    });
}

function positive(value: string): number {
  const seconds = /^\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
  if (seconds > 0 && seconds <= MOST_MILLISECONDS / 1000) return seconds;
  throw new InvalidArgumentError('expected a number of seconds, of 24 days at most.');
}
