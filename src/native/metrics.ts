import { createServer, type Server } from 'node:http';
import { escapeLine } from '../escape.js';
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

/**
 * Serves the counters over HTTP.
 * @param where a port of the loopback address, or the path of a Unix socket
 * @throws an error of the system's if it can't listen there
 */
export async function serveMetrics(where: string, status: () => DaemonStatus): Promise<Server> {
  const server = createServer((request, response) => {
    const known = request.method === 'GET' && request.url === '/metrics';
    response.writeHead(known ? 200 : 404, { 'content-type': 'text/plain; version=0.0.4' });
    response.end(known ? prometheus(status()) : 'see /metrics\n');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    const listening = (): void => resolve();
    if (/^\d+$/.test(where)) server.listen(Number(where), '127.0.0.1', listening);
    else server.listen(where, listening);
  });
  return server;
}
