/** What the probe sidecar is told by the health check of the service beside it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { Refusal } from '../bundled/refusal.ts';
import { planUp } from '../up/plan.ts';

const test = suite('inject: targets of probe');

type Written = { environment: Record<string, string> } & Record<string, unknown>;
function probeBeside(service: string): Written {
  const folder = mkdtempSync(join(tmpdir(), 'probe-'));
  try {
    writeFileSync(join(folder, 'compose.yaml'), `services:\n  web: { ${service}, x-sidecars: [probe] }\n`);
    const { after } = planUp({ folder, files: [], environment: {} });
    return (parse(after!, { logLevel: 'silent' }) as { services: Record<string, Written> }).services['web-probe']!;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
const targetsOf = (service: string): Record<string, unknown>[] =>
  parse(probeBeside(service).environment['PROBE_TARGETS']!) as Record<string, unknown>[];
const liveness = (service: string): unknown => targetsOf(service)[0]!['livenessProbe'];

test('a health check by curl becomes a liveness probe with its times, and a startup probe', () => {
  const check =
    'healthcheck: { test: "curl -fsS http://localhost:8080/up?x=1 || exit 1", interval: 5s, timeout: 2s, retries: 4, start_period: 1m }';
  const probe = { httpGet: { port: 8080, path: '/up?x=1' }, periodSeconds: 5, timeoutSeconds: 2 };
  assert.equal(targetsOf(`image: acme, command: [node, --enable-source-maps, /srv/shop.mjs], ${check}`)[0], {
    name: 'web',
    process: 'node',
    livenessProbe: { ...probe, failureThreshold: 4 },
    startupProbe: { ...probe, failureThreshold: 16 },
  });
});

test('wget, HTTPS and nc are understood too, with and without a shell', () => {
  const times = { periodSeconds: 30, timeoutSeconds: 30, failureThreshold: 3 };
  assert.equal(liveness('image: nginx:1, healthcheck: { test: [CMD, wget, -q, --spider, "localhost:80/"] }'), {
    httpGet: { port: 80, path: '/' },
    ...times,
  });
  assert.equal(liveness('image: nginx, healthcheck: { test: [CMD-SHELL, "curl -k https://127.0.0.1/a"] }'), {
    httpGet: { port: 443, path: '/a', scheme: 'HTTPS' },
    ...times,
  });
  assert.equal(liveness('image: redis, healthcheck: { test: "nc -z localhost 6379 || exit 1" }'), {
    tcpSocket: { port: 6379 },
    ...times,
  });
});

test('patience beyond what the probe takes becomes the most that it takes', () => {
  const check = 'healthcheck: { test: "nc -z localhost 80", interval: 1s, retries: 5000, start_period: 30m }';
  const [target] = targetsOf(`image: nginx, ${check}`);
  const thresholds = ['livenessProbe', 'startupProbe'].map(
    (name) => (target![name] as Record<string, unknown>)['failureThreshold'],
  );
  assert.equal(thresholds, [1000, 1000]);
});

test('it may end processes of any user, and gets what was said instead of the health check', () => {
  const said = 'image: nginx, healthcheck: { test: "curl localhost:80/" }';
  assert.equal([probeBeside(said)['user'], probeBeside(said)['cap_add']], ['0:0', ['KILL']]);
  assert.equal(
    targetsOf('image: x/y/postgres:16@sha256:0, healthcheck: { test: "nc -z 127.0.0.1 5432" }')[0]!['process'],
    'postgres',
  );
});

test('a service without an address to ask, or with an unknown process, is refused by name', () => {
  const refusal = (service: string): string => {
    try {
      probeBeside(service);
      return 'planned';
    } catch (error) {
      if (error instanceof Refusal) return error.message;
      throw error;
    }
  };
  assert.match(refusal('image: postgres, healthcheck: { test: pg_isready }'), /beside web .* asks for no address/);
  assert.match(refusal('image: nginx, healthcheck: { test: "curl http://other.example/" }'), /asks for no address/);
  assert.match(refusal('image: acme, healthcheck: { test: "curl localhost:80/" }'), /process is not known/);
  assert.match(
    refusal('image: nginx, healthcheck: { disable: true, test: "curl localhost:80/" }'),
    /asks for no address/,
  );
});

test.run();
