/** Lines with LOG_FORMAT=ecs are as the Elastic Common Schema wants them, whatever is logged. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Program } from '../testing/program.ts';

const kit = (file: string): string => JSON.stringify(join(import.meta.dirname, file));

/** The fields of ECS 8 that the lines may have, with its types: keyword, date, long. */
const keyword = { type: 'string' };
const long = { type: 'integer', minimum: 0 };
const isLine = new Ajv2020({ strict: true }).compile({
  type: 'object',
  required: ['@timestamp', 'log.level', 'ecs.version', 'service.name'],
  properties: {
    '@timestamp': { type: 'string', pattern: String.raw`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$` },
    'log.level': { enum: ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] },
    'ecs.version': keyword,
    'service.name': keyword,
    message: keyword,
    'trace.id': { type: 'string', pattern: '^[0-9a-f]{32}$' },
    'span.id': { type: 'string', pattern: '^[0-9a-f]{16}$' },
    'process.pid': keyword,
    'http.request.method': keyword,
    'http.response.status_code': long,
    'http.request.body.bytes': long,
    'http.response.body.bytes': long,
    'url.path': keyword,
    'url.domain': keyword,
    'client.address': keyword,
    'server.address': keyword,
    'event.start': keyword,
    'event.reason': keyword,
    'event.duration': long,
    'error.type': keyword,
    'error.message': keyword,
    'error.stack_trace': keyword,
  },
  patternProperties: { '^labels\\.\\w+$': keyword },
  additionalProperties: false,
});

async function linesOf(statements: string): Promise<Record<string, unknown>[]> {
  const run = new Program(
    [
      '--input-type=module',
      '-e',
      `import { createLog } from ${kit('log.ts')}; const log = createLog('example', 'debug', { format: 'ecs' }); ${statements}`,
    ],
    {},
  );
  assert.is(await run.ended(), 0, run.output);
  return run.output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('own lines, errors and access logs have the names of the schema', async () => {
  const lines = await linesOf(`
    log.info('started');
    log.warn({ port: 80, deep: { a: [1] }, reason: 'late', none: undefined }, 'odd');
    log.error({ err: new TypeError('no') }, 'failed');
    log.error(new RangeError('alone'));
    log.error({ error: 'as text' });
    log.child({ worker: 2 }).info({ port: 81 }, 'begun');
    log.debug({ request: 'GET /a b', status: 200, client: '::1', traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) }, 'request');
    log.info({ began: '2026-11-23T00:00:00.000Z', method: 'GET', path: '/x?y', authority: 'shop', status: 503, durationMs: 1.5,
      requestBytes: 0, responseBytes: 9, cause: 'Nobody.', client: '10.0.0.1', flags: 'UH', mtls: true, upstream: 'a:1' }, 'access');
  `);
  for (const line of lines) assert.ok(isLine(line), `${JSON.stringify(line)}: ${JSON.stringify(isLine.errors)}`);
  const [started, odd, failed, alone, asText, begun, request, access] = lines;
  assert.equal(
    [started?.['log.level'], started?.['service.name'], started?.['message']],
    ['info', 'example', 'started'],
  );
  assert.equal(
    [odd?.['labels.port'], odd?.['labels.deep'], odd?.['event.reason'], 'labels.none' in odd!],
    ['80', '{"a":[1]}', 'late', false],
  );
  assert.equal([failed?.['error.type'], failed?.['error.message'], failed?.['message']], ['TypeError', 'no', 'failed']);
  assert.is(alone?.['error.message'], 'alone');
  assert.is(asText?.['error.message'], 'as text');
  assert.equal([begun?.['labels.worker'], begun?.['labels.port']], ['2', '81']);
  assert.equal([request?.['http.request.method'], request?.['url.path']], ['GET', '/a b']);
  assert.is(request?.['trace.id'], 'a'.repeat(32));
  assert.equal(
    [access?.['event.duration'], access?.['http.response.status_code'], access?.['labels.mtls']],
    [1_500_000, 503, 'true'],
  );
});

test('no name stands twice in a line', async () => {
  const run = new Program(
    [
      '--input-type=module',
      '-e',
      `import { createLog } from ${kit('log.ts')};
       createLog('example', 'info', { format: 'ecs' }).child({ a: 1 }).child({ b: 2 }).info({ c: 3, err: new Error('x') }, 'm');`,
    ],
    {},
  );
  assert.is(await run.ended(), 0, run.output);
  const names = [...run.output.matchAll(/[{,]"([^"]+)":/g)].map(([, name]) => name);
  assert.is(names.length, new Set(names).size, run.output);
});

test.run();
