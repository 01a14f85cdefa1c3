import { createServer, type Socket } from 'node:net';
import { escapeLine } from '../../base/escape.js';
import type { DaemonStatus } from './status-file.js';

type Export = Pick<DaemonStatus['exports'][number], 'shelf' | 'slot' | 'iface' | 'sectors' | 'counters'>;

/** Metrics: name without prefix, what it is, and its values by further labels. */
const METRICS: readonly [string, string, (one: Export) => Record<string, number>][] = [
  [
    'requests_total',
    'Requests answered or left unanswered by rule.',
    ({ counters }) => ({ '': counters.requests }),
  ],
  [
    'commands_total',
    'Commands that succeeded.',
    ({ counters: { reads, writes, flushes } }) => ({
      'command="read"': reads,
      'command="write"': writes,
      'command="flush"': flushes,
    }),
  ],
  [
    'bytes_total',
    'Bytes of sectors that were read and written.',
    ({ counters }) => ({
      'direction="read"': counters.bytesRead,
      'direction="write"': counters.bytesWritten,
    }),
  ],
  [
    'errors_total',
    'Answers with an error.',
    ({ counters: { ataErrors, aoeErrors } }) => ({
      'kind="id_not_found"': ataErrors.idNotFound,
      'kind="uncorrectable"': ataErrors.uncorrectable,
      'kind="aborted"': ataErrors.aborted,
      ...Object.fromEntries(Object.entries(aoeErrors).map(([code, count]) => [`kind="aoe_${code}"`, count])),
    }),
  ],
  [
    'refused_total',
    'Requests of those who are not allowed, and changes asked of all.',
    ({ counters }) => ({ '': counters.refused }),
  ],
  ['unsent_total', 'Answers that could not be sent.', ({ counters }) => ({ '': counters.unsent })],
];

/** The counters in the text format of Prometheus. */
export function prometheus(status: { exports: readonly Export[] }): string {
  const lines: string[] = [];
  for (const [name, help, values] of METRICS) {
    lines.push(`# HELP aoe_lab_${name} ${help}`, `# TYPE aoe_lab_${name} counter`);
    for (const one of status.exports) {
      const own = labelsOf(one);
      for (const [labels, value] of Object.entries(values(one))) {
        lines.push(`aoe_lab_${name}{${own}${labels === '' ? '' : `,${labels}`}} ${value}`);
      }
    }
  }
  lines.push('# HELP aoe_lab_sectors Sectors of 512 bytes.', '# TYPE aoe_lab_sectors gauge');
  for (const one of status.exports) lines.push(`aoe_lab_sectors{${labelsOf(one)}} ${one.sectors}`);
  return `${lines.join('\n')}\n`;
}

function labelsOf({ shelf, slot, iface }: Export): string {
  return `export="e${shelf}.${slot}",interface="${labelValue(iface)}"`;
}

/** As the text format has it: backslash and quote escaped, also of what is written for characters that do not print. */
function labelValue(text: string): string {
  return escapeLine(text).replaceAll(/["\\]/g, '\\$&');
}

/** Connections at a time: whoever collects metrics has one or two. */
const MOST = 8;
/** Milliseconds that a connection may last that asks or reads slowly, and that each counts as one although it was answered: so few a second. */
const PATIENCE = 5000;
const PAUSE = 250;
/** Bytes of a request. */
const LONGEST = 8192;
/** Milliseconds for which what was told once is told again: it costs the more the more exports there are. */
const FRESH = 1000;

/** What serves metrics. */
export interface MetricsServer {
  /** The port, where it is one. */
  readonly port: number | undefined;
  /** Ends it, and every connection. */
  close(): void;
}

/**
 * Serves the counters over HTTP, to whoever can reach the place: it costs little, however often and by whatever is asked. So
 * it is no server of Node's, which goes on to read what a connection asks for behind its first request.
 * @param where a port of the loopback address, or the path of a Unix socket
 * @throws an error of the system's if it can't listen there
 */
export async function serveMetrics(
  where: string,
  status: () => DaemonStatus,
  now: () => number = () => performance.now(),
): Promise<MetricsServer> {
  let told: { text: string; at: number } | undefined;
  const text = (): string => {
    if (told === undefined || now() - told.at >= FRESH) {
      told = { text: answer('200 OK', prometheus(status())), at: now() };
    }
    return told.text;
  };
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    const patience = setTimeout(() => socket.destroy(), PATIENCE).unref();
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(patience);
      sockets.delete(socket);
    });
    hearRequest(socket, (line) => {
      const known = /^GET \/metrics HTTP\/1\.[01]$/.test(line);
      socket.end(known ? text() : answer('404 Not Found', 'see /metrics\n'), () => {
        setTimeout(() => socket.destroy(), PAUSE).unref();
      });
    });
  });
  server.maxConnections = MOST;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    const listening = (): void => resolve();
    if (/^\d+$/.test(where)) server.listen(Number(where), '127.0.0.1', listening);
    else server.listen(where, listening);
  });
  const address = server.address();
  return {
    port: address !== null && typeof address === 'object' ? address.port : undefined,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Waits for the head of a request; whatever comes behind it is not read. @param asked gets its first line */
function hearRequest(socket: Socket, asked: (line: string) => void): void {
  let head = '';
  const hear = (chunk: Buffer): void => {
    head += chunk.toString('latin1', 0, LONGEST);
    const end = /\r?\n\r?\n/.exec(head)?.index;
    if (end === undefined && head.length < LONGEST) return;
    socket.off('data', hear);
    socket.pause();
    if (end === undefined) socket.destroy();
    else asked(head.slice(0, head.search(/\r?\n/)));
  };
  socket.on('data', hear);
  socket.on('end', () => socket.destroy());
}

function answer(status: string, body: string): string {
  return [
    `HTTP/1.1 ${status}`,
    'content-type: text/plain; version=0.0.4',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
    '',
    body,
  ].join('\r\n');
}
