import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfigurationError, readParameters } from '#kit/contract/parameters.ts';
import { contract } from '../contract.ts';
import { parseCheck, readTargets } from './read.ts';

const read = (env: Record<string, string>) => readTargets(readParameters(contract.parameters, { env }).values);
const refused = (env: Record<string, string>): string => {
  try {
    read(env);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message;
    throw error;
  }
  throw new Error('it was accepted');
};
const directory = mkdtempSync(join(tmpdir(), 'probe-read-'));
test.after(() => rmSync(directory, { recursive: true }));

test('one container needs no document', () => {
  const timing = { initialDelay: 0, period: 500, timeout: 1000, failureThreshold: 3, gracePeriod: 30_000 };
  assert.equal(read({ PROBE_TARGET: 'nginx', PROBE_CHECK: 'http://127.0.0.1:80/', PROBE_PERIOD: '500ms' }), [
    { name: 'nginx', process: 'nginx', check: { kind: 'http', url: 'http://127.0.0.1/', headers: {} }, ...timing },
  ]);
});

test('one container may have time to start, by the same check', () => {
  const [web] = read({ PROBE_TARGET: 'nginx', PROBE_STARTUP_FAILURE_THRESHOLD: '30' });
  const { name: _name, process: _process, startup, ...liveness } = web!;
  assert.equal(startup, { ...liveness, failureThreshold: 30 });
  assert.is(liveness.failureThreshold, 3);
});

test('the short forms of a check', () => {
  assert.equal(parseCheck('process', 'app.py'), { kind: 'process', name: 'app.py' });
  assert.equal(parseCheck('process:worker', 'app.py'), { kind: 'process', name: 'worker' });
  assert.equal(parseCheck('tcp://[::1]:5432', 'x'), { kind: 'tcp', host: '::1', port: 5432 });
  assert.equal(parseCheck('http://127.0.0.1:8080/a?b', 'x'), {
    kind: 'http',
    url: 'http://127.0.0.1:8080/a?b',
    headers: {},
  });
});

test('any short form is read or refused with a ConfigurationError', () => {
  const text = fc.oneof(
    fc.string(),
    fc.webUrl(),
    fc.tuple(fc.constantFrom('tcp://', 'http://', 'process:'), fc.string()).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(text, (PROBE_CHECK) => {
      try {
        assert.is(read({ PROBE_TARGET: 'x', PROBE_CHECK }).length, 1);
      } catch (error) {
        if (!(error instanceof ConfigurationError)) throw error;
      }
    }),
  );
});

test('a document may be a file', () => {
  const file = join(directory, 'targets.yaml');
  writeFileSync(file, '- { name: web, livenessProbe: { process: {} } }');
  assert.is(read({ PROBE_TARGETS_FILE: file })[0]!.name, 'web');
  writeFileSync(file, `# ${'x'.repeat(300_000)}`);
  assert.match(refused({ PROBE_TARGETS_FILE: file }), /has more than 262144 bytes/);
  assert.match(refused({ PROBE_TARGETS_FILE: join(directory, 'nosuch') }), /cannot be read \(ENOENT\)/);
});

test('nothing to watch, two ways at once and mistakes are clear errors', () => {
  assert.match(refused({}), /nothing to watch: set one of PROBE_TARGETS, PROBE_TARGETS_FILE, PROBE_TARGET/);
  assert.match(refused({ PROBE_TARGET: 'x', PROBE_TARGETS: '[]' }), /PROBE_TARGETS and PROBE_TARGET are set: keep one/);
  assert.match(refused({ PROBE_TARGETS: '- x' }), /^PROBE_TARGETS: \[0\] is not a mapping/);
  assert.match(refused({ PROBE_TARGET: 'x', PROBE_CHECK: 'tcp://localhost:0' }), /"tcp:\/\/localhost:0" is no address/);
});

test.run();
