import { ExitCode } from '../../base/errors.js';
import { describeError, exitCodeOf } from '../ui/errors.js';
import { note } from '../ui/output.js';
import { exitCodeWith, guardStreams, isBrokenPipe } from '../ui/streams.js';
import { run } from './run.js';

const argv = process.argv.slice(2);
let isOver = false;

// Whatever the shell's is: what is made here, and by what is started here, is written to by nobody else.
process.umask(process.umask() | 0o022);
guardStreams();
// What nobody waits for may fail as well; rejections arrive here too.
process.on('uncaughtException', (error) => {
  isOver = true;
  if (!isBrokenPipe(error)) note(describeError(error, argv.includes('--debug')));
  process.exit(exitCodeOf(error));
});
process.on('exit', () => {
  if (isOver) return;
  note(describeError(new Error('it came to an end before its work was done'), false));
  process.exitCode = ExitCode.failed;
});
// Not awaited at the top: a wait that never ends would be told by Node, with a trace.
void run(argv).then((code) => {
  isOver = true;
  process.exitCode = exitCodeWith(code);
});
