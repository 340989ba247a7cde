/** --share, held against `docker compose config`: needs its command line, but no engine. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { stringify } from 'yaml';
import { planInjection } from './inject.ts';
import { Refusal } from '../bundled/refusal.ts';

const test = suite('inject: shared paths, as docker compose reads them');

type Mount = Record<string, unknown> & { target: string };
type Config = Record<string, { volumes?: Mount[] }>;

function configOf(folder: string, files: readonly string[]): Config {
  const args = ['compose', ...files.flatMap((file) => ['-f', file]), 'config', '--format', 'json'];
  const text = execFileSync('docker', args, {
    cwd: folder,
    encoding: 'utf8',
    timeout: 60_000,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return (JSON.parse(text) as { services: Config }).services;
}

const ENVIRONMENT = { TARGET: '/from-env', HOST: '/srv/host', RO: 'ro', ALL: './all:/all:ro' };
const source = fc.constantFrom(
  './data',
  '../up',
  '.',
  '/srv/x',
  '~/home',
  'named',
  'C:\\data',
  'c:/data',
  '${DATA_DIR:-./data}',
  '${DATA_DIR:-${OTHER:-./other}}',
  '${HOST}',
  '${HOST:?say where}',
  '${UNSET-./a:b}',
);
const target = fc.constantFrom(
  '/data',
  '/data/',
  '/d//e',
  '/x/../y',
  '${TARGET}',
  '${TARGET:-/t}/sub',
  '/data${UNSET}',
);
const options = fc.constantFrom('', ':ro', ':rw', ':${RO}', ':ro,z');
const short = fc.tuple(source, target, options).map((parts) => `${parts[0]}:${parts[1]}${parts[2]}`);
const long = fc.record({
  type: fc.constant('bind'),
  source: fc.constantFrom('./data', '${DATA_DIR:-./data}', '/srv'),
  target,
  read_only: fc.boolean(),
});
const volumes = fc.array(fc.oneof(short, long, fc.constant('${ALL}'), fc.constant('/anonymous')), { maxLength: 3 });

test('the sidecar has the mount that the application has there, and no mount of it changes', () => {
  let shared = 0;
  fc.assert(
    fc.property(fc.array(volumes, { minLength: 20, maxLength: 40 }), (lists) => {
      const folder = mkdtempSync(join(tmpdir(), 'share-'));
      try {
        const services = Object.fromEntries(
          lists.map((list, at) => [`s${at}`, { image: 'x', volumes: list, environment: { A: '1' } }]),
        );
        writeFileSync(
          join(folder, '.env'),
          Object.entries(ENVIRONMENT)
            .map((pair) => pair.join('='))
            .join('\n'),
        );
        writeFileSync(join(folder, 'compose.yaml'), stringify({ services, volumes: { named: null } }));
        const before = configOf(folder, ['compose.yaml']);
        const target = { folder, files: [], environment: {} };
        const wanted = Object.entries(before).flatMap(([into, { volumes: mounts = [] }]) => {
          // A target twice is a project that no engine starts.
          if (new Set(mounts.map((mount) => mount.target)).size < mounts.length) return [];
          const injection = { sidecar: 'topz', into, set: {}, publish: [], share: [mounts[0]?.target ?? '/new'] };
          try {
            planInjection(target, [injection]);
            return [injection];
          } catch (error) {
            if (error instanceof Refusal) return [];
            throw error;
          }
        });
        writeFileSync(join(folder, 'compose.sidecars.yaml'), planInjection(target, wanted).after!);
        const after = configOf(folder, ['compose.yaml', 'compose.sidecars.yaml']);
        for (const { into, share } of wanted) {
          const at = (service: string): Mount | undefined =>
            after[service]!.volumes?.find((mount) => mount.target === share[0]);
          const had = before[into]!.volumes ?? [];
          for (const mount of had)
            assert.equal(
              after[into]!.volumes!.filter((each) => each.target === mount.target),
              [mount],
            );
          assert.equal(at(`${into}-topz`), at(into), JSON.stringify(services[into]));
          assert.ok(at(into), JSON.stringify(services[into]));
          if (had.length > 0) shared++;
        }
      } finally {
        rmSync(folder, { recursive: true });
      }
    }),
    { numRuns: 5 },
  );
  assert.ok(shared > 20, `${shared} mounts shared`);
});

test('a mount of an included and of an extended file is relative to that file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'share-'));
  try {
    mkdirSync(join(folder, 'base'));
    writeFileSync(join(folder, 'base/common.yaml'), 'services: {web: {image: x, volumes: ["./logs:/logs:ro"]}}');
    writeFileSync(
      join(folder, 'base/more.yaml'),
      'services: {shop: {image: x, volumes: [{type: bind, source: ./pages, target: /pages}]}}',
    );
    writeFileSync(
      join(folder, 'compose.yaml'),
      'include: [base/more.yaml]\nservices: {web: {extends: {file: base/common.yaml, service: web}}}',
    );
    const wanted = (into: string, path: string) => ({ sidecar: 'topz', into, set: {}, publish: [], share: [path] });
    const plan = planInjection({ folder, files: [], environment: {} }, [
      wanted('web', '/logs'),
      wanted('shop', '/pages'),
    ]);
    writeFileSync(join(folder, 'compose.sidecars.yaml'), plan.after!);
    const services = configOf(folder, ['compose.yaml', 'compose.sidecars.yaml']);
    assert.equal(services['web-topz']!.volumes, services['web']!.volumes);
    assert.equal(services['shop-topz']!.volumes, services['shop']!.volumes);
    assert.is(services['web']!.volumes![0]!['source'], join(folder, 'base/logs'));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
