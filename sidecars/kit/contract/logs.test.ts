/** Lines are as the contract says, in both formats; a line that is not is refused. */
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LOG_FORMATS } from '../telemetry/log.ts';
import { LogLines } from '../testing/log-lines.ts';
import { Program } from '../testing/program.ts';
import { logsOf } from './logs.ts';

const LOG = JSON.stringify(join(import.meta.dirname, '../telemetry/log.ts'));
const logs = logsOf({
  message: 'request',
  members: {
    request: { type: 'text', description: 'Method and path', always: true },
    status: { type: 'count', description: 'Status', always: true },
    durationMs: { type: 'number', description: 'Milliseconds', always: true },
    client: { type: 'text', description: 'Who', always: true },
    tls: { type: 'boolean', description: 'Whether by TLS' },
  },
});
const STATEMENTS = `
log.info({ port: 80, deep: { a: 1 } }, 'started');
log.error({ err: new TypeError('no'), reason: 'late' }, 'failed');
log.warn({ error: 'no' });
log.child({ worker: 2 }).info({ request: 'GET /a', status: 200, durationMs: 1.25, client: '::1', tls: true }, 'request');
`;

for (const format of LOG_FORMATS)
  test(`${format}: lines of a logger are those of the contract`, async () => {
    const source = `import { createLog } from ${LOG}; const log = createLog('example', 'info', { format: '${format}' }); ${STATEMENTS}`;
    const run = new Program(['--input-type=module', '-e', source], {});
    assert.is(await run.ended(), 0, run.output);
    const lines = new LogLines(logs, format);
    lines.checkAll(run.output);
    assert.equal(lines.counts, { own: 3, access: 1 });
  });

test('a line that lacks a member, has another one, or another type is refused', () => {
  const ecs = new LogLines(logs, 'ecs');
  const line = {
    'ecs.version': '8.17.0',
    '@timestamp': '2026-11-25T00:00:00.000Z',
    'log.level': 'info',
    'service.name': 'example',
    message: 'request',
    'http.request.method': 'GET',
    'url.path': '/',
    'http.response.status_code': 200,
    'event.duration': 1_250_000,
    'client.address': '::1',
  };
  ecs.check({ ...line, 'labels.tls': 'true' });
  const { 'url.path': path, ...without } = line;
  assert.is(path, '/');
  assert.throws(() => ecs.check(without), 'url.path');
  assert.throws(() => ecs.check({ ...line, 'labels.other': 'x' }), 'additional properties');
  assert.throws(() => ecs.check({ ...line, 'event.duration': 1.5 }), 'integer');
  assert.throws(() => ecs.check({ ...line, message: 'own' }), 'additional properties');
  const json = { level: 'loud', time: line['@timestamp'], sidecar: 'example', msg: 'm' };
  assert.throws(() => new LogLines(logs, 'json').check(json), 'level');
});

test.run();
