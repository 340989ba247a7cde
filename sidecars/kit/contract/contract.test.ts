import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { contractDocument, defineContract } from './contract.ts';
import { helpText } from './help.ts';
import { createMetrics, PROCESS_METRICS, Registry } from '../telemetry/metrics.ts';
import { parseValue } from './parameter-types.ts';

const contract = defineContract({
  name: 'sync',
  version: '1.0.0',
  description: 'Keeps a copy up to date.',
  prefixes: ['UPDATE_'],
  adminPort: '9902',
  parameters: {
    UPDATE_PERIOD: {
      type: 'duration',
      unit: 's',
      default: '60s',
      description: 'Time between two updates',
      deprecated: ['UPDATE_FREQUENCY'],
    },
    UPDATE_TOKEN: { type: 'string', secret: true, required: true, pattern: /^\w+$/, description: 'Token' },
    HOOK_PORT: { type: 'port', description: 'Port of hooks' },
    PAGE_ADDRESS: { type: 'string', default: '[::1]:8080', description: 'Address and port of the page' },
  },
  ports: {
    hooks: { parameter: 'HOOK_PORT', description: 'hooks' },
    page: { parameter: 'PAGE_ADDRESS', description: 'page' },
  },
  endpoints: { '/last': 'the last update' },
  metrics: { sync_updates_total: { type: 'counter', help: 'Updates', labels: ['result'] } },
  signals: { SIGHUP: 'update now' },
  exitCodes: { 3: 'nothing to do' },
});

test('what all sidecars share is added', () => {
  assert.ok(
    ['ADMIN_ADDRESS', 'ADMIN_PORT', 'LOG_LEVEL', 'SHUTDOWN_TIMEOUT'].every((name) => name in contract.parameters),
  );
  assert.equal(Object.keys(contract.endpoints), ['/', '/healthz', '/startupz', '/readyz', '/metrics', '/last']);
  assert.equal(Object.keys(contract.signals), ['SIGTERM', 'SIGINT', 'SIGHUP']);
  assert.equal(Object.keys(contract.exitCodes), ['0', '1', '3', '64', '70']);
  assert.ok(Object.keys(PROCESS_METRICS).every((name) => name in contract.metrics));
  assert.is(contract.user, '65532:65532');
});

test('the document is plain data that says all', () => {
  const document = contractDocument(contract);
  assert.equal(JSON.parse(JSON.stringify(document)), document);
  assert.equal(document.parameters['UPDATE_PERIOD'], {
    type: 'duration',
    unit: 's',
    default: '60s',
    accepts: 'a duration such as 500ms, 10s or 2m (a bare number counts in s)',
    deprecated: ['UPDATE_FREQUENCY'],
    description: 'Time between two updates',
  });
  assert.equal(document.parameters['UPDATE_TOKEN'], {
    type: 'string',
    required: true,
    secret: true,
    accepts: 'any text',
    pattern: String.raw`/^\w+$/`,
    description: 'Token',
  });
  assert.equal(document.ports, {
    hooks: { parameter: 'HOOK_PORT', description: 'hooks' },
    page: { parameter: 'PAGE_ADDRESS', description: 'page', default: 8080 },
    admin: { parameter: 'ADMIN_PORT', description: 'health, readiness and metrics', default: 9902 },
  });
});

test('every default is a value of its own parameter', () => {
  for (const parameter of Object.values(contract.parameters)) {
    if ('default' in parameter) parseValue(parameter, parameter.default);
  }
});

test('the help names everything in at most 80 columns', () => {
  const help = helpText(contract);
  for (const text of [
    'UPDATE_PERIOD --update-period',
    'UPDATE_TOKEN (or UPDATE_TOKEN_FILE)',
    'default 60s',
    'required',
    '/last',
    'SIGHUP',
    '64',
  ])
    assert.ok(help.replace(/\s+/g, ' ').includes(text), text);
  assert.ok(help.split('\n').every((line) => line.length <= 80));
});

test('metrics are made as declared', () => {
  const registry = new Registry();
  const metrics = createMetrics(contract.metrics, registry);
  metrics.sync_updates_total.inc({ result: 'ok' });
  assert.match(registry.metrics(), 'sync_updates_total{result="ok"} 1');
});

test.run();
