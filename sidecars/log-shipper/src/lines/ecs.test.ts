/** Lines that a sidecar writes with LOG_FORMAT=ecs are stored as they are. */
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Program } from '#kit/testing/program.ts';
import { Documents, member } from './document.ts';
import { Rules } from './rules.ts';

const LOG = JSON.stringify(join(import.meta.dirname, '../../../kit/telemetry/log.ts'));
const ACCESS = JSON.stringify(join(import.meta.dirname, '../../../proxy/filters/access-log.ts'));

/** Everything that a sidecar's line can hold: text, an error, a request, a connection, names like those of other loggers. */
const STATEMENTS = `
import { createLog } from ${LOG};
import { accessLog } from ${ACCESS};
const log = createLog('tls', 'trace', { format: 'ecs' });
log.info('listening');
log.child({ worker: 3 }).error({ err: new TypeError('no'), reason: 'closed', delay_ms: 17 }, 'it failed');
log.fatal(new Error('alone'));
log.warn({ time: 'noon', level: 'high', msg: 'm', stack: 's', host: 'h', log: 'l', timestamp: 1, severity: 2, labels: { a: 1 } }, 'names');
log.info({ began: '2026-01-01T00:00:00.000Z', method: 'GET', path: '/a', authority: 'shop', status: 200, durationMs: 1.25,
  requestBytes: 1, responseBytes: 12345678901234567890, client: '127.0.0.1', upstream: '10.0.0.1:80', cause: 'c', flags: '-', traceId: '0af7651916cd43dd8448eb211c80319c' }, 'access');
const [filter] = accessLog({ parameters: { ACCESS_LOG: true }, log });
filter.onEnd({ request: { method: 'GET', path: '/a' }, status: 503, outcome: 'connect', downstream: { remoteAddress: '::1' },
  startedAt: performance.now() - 3, received: 0, sent: 17, route: '/a/**', span: { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' } });
`;

test('each member of a line is stored under its name and value; only its origin is added', async () => {
  const run = new Program(['--input-type=module', '-e', STATEMENTS], {});
  assert.is(await run.ended(), 0, run.output);
  const lines = run.output.trim().split('\n');
  assert.is(lines.length, 6);
  const documents = new Documents({
    rules: new Rules({ LINE_DROP: undefined, LINE_REDACT: undefined, LINE_REDACT_WITH: '***' }),
    limit: 100_000,
    ours: ['@timestamp', 'log.file.path', 'log.offset', 'host.name', 'stream', 'container.name'],
  });
  for (const line of lines) {
    const stored = documents.create(line, {
      members: member('stream', 'stdout') + member('container.name', 'tls-1'),
      time: () => '2000-01-01T00:00:00.000Z',
      cut: false,
      foreign: false,
      multiline: false,
    });
    const { stream, 'container.name': container, ...rest } = JSON.parse(stored!) as Record<string, unknown>;
    assert.equal([stream, container], ['stdout', 'tls-1']);
    assert.equal(rest, JSON.parse(line), line);
  }
});

test.run();
