/**
 * No state on disk keeps a program from starting: emptied, cut in two, garbled, longer than memory, or with what nobody
 * expects. It is counted, and of what is set aside not more and more is kept.
 */
import { cpSync, lstatSync, readdirSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { freePort, freePorts } from '#kit/testing/ports.ts';
import { Program, startProgram } from '#kit/testing/program.ts';
import { serve } from '#kit/testing/server.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { request } from '#kit/net/http-client.ts';
import { hashSync } from 'bcryptjs';
import { JOIN_TOKEN, OPERATOR_TOKEN, startPlane } from '../../servers/control-plane/src/testing/plane.ts';
import { TestRepository } from '../../sidecars/git-sync/src/test-repository.ts';
import { Random } from '../attack/random.ts';
import { ROOT } from '../lib/stacks.ts';

const POLICY = {
  services: {
    shop: {
      ports: [{ port: 8000, protocol: 'http' }],
      subsets: { v1: { version: '1' }, v2: { version: '2' } },
      routes: [
        {
          name: 'main',
          to: [
            { subset: 'v1', weight: 80 },
            { subset: 'v2', weight: 20 },
          ],
        },
      ],
    },
  },
};
const top = temporaryDirectory('state');
const plane = await startPlane(JSON.stringify(POLICY));
test.after(async () => await plane.close());
const random = new Random(1);
const app = await serve((_incoming, response) =>
  response.writeHead(200, { 'Cache-Control': 'max-age=600', ETag: '"1"' }).end('{"a": 1}'),
);
const repository = new TestRepository();
repository.commit({ a: '1' });
const file = (name: string, text: string): string => {
  writeFileSync(join(top, name), text, { mode: 0o600 });
  return join(top, name);
};

/** What a proxy needs of a control plane, besides where it is. */
const proxyEnv = async (state: string): Promise<Record<string, string>> => {
  const [outbound, inbound, metrics, health] = await freePorts(4);
  return {
    MESH_CONTROL_PLANE: 'localhost',
    MESH_SERVICE: 'shop',
    MESH_REPLICA: 'shop-1',
    MESH_JOIN_TOKEN: JOIN_TOKEN,
    MESH_STATE_DIR: state,
    MESH_LISTEN_ADDRESS: '127.0.0.1',
    MESH_OUTBOUND_PORT: String(outbound),
    MESH_INBOUND_PORT: String(inbound),
    MESH_METRICS_PORT: String(metrics),
    MESH_HEALTH_PORT: String(health),
  };
};
const PROXY = { main: 'sidecars/mesh-proxy/src/main.ts', options: ['--experimental-ffi'] };

interface Subject {
  readonly main: string;
  /** Options of node. */
  readonly options?: readonly string[];
  /** @param state the directory of its state */
  readonly env: (state: string) => Promise<Record<string, string>>;
  /** What is written by then, as paths in that directory. */
  readonly keeps: readonly RegExp[];
  /** The metric that tells of garbled state; absent where what is lost is made again, and nobody has to know. */
  readonly counted?: string;
  /** Make it write its state. */
  readonly fill?: (program: Program) => Promise<unknown>;
}

/** All that keep state. */
const SUBJECTS: Readonly<Record<string, Subject>> = {
  ambassador: {
    main: 'sidecars/ambassador/src/main.ts',
    env: async (state) => ({
      AMBASSADOR_PORT: String(await freePort()),
      SERVERS_FILE: file('servers', `127.0.0.1:${await freePort()}:1 a\n`),
      AMBASSADOR_STATE: join(state, 'servers.json'),
    }),
    keeps: [/^servers\.json$/],
    counted: 'ambassador_state_damaged_total{kind="servers"}',
  },
  auth: {
    main: 'sidecars/auth/src/main.ts',
    env: async (state) => ({
      PROXY_PORT: '1',
      AUTH_METHODS: 'basic',
      AUTH_LISTEN_ADDRESS: '127.0.0.1',
      AUTH_LISTEN_PORT: String(await freePort()),
      AUTH_STATE_DIR: state,
      AUTH_HTPASSWD_FILE: file('users', `ann:${hashSync('right', 4)}\n`),
    }),
    keeps: [/^revocations/],
  },
  cache: {
    main: 'sidecars/cache/src/main.ts',
    env: async (state) => ({
      PROXY_PORT: String(app.port),
      CACHE_LISTEN_ADDRESS: '127.0.0.1',
      CACHE_LISTEN_PORT: String(await freePort()),
      CACHE_DIR: state,
      CACHE_DISK: '10MiB',
    }),
    fill: async ({ env }) => await request(`http://127.0.0.1:${env['CACHE_LISTEN_PORT']}/`),
    keeps: [/^objects\/./],
    counted: 'cache_evictions_total{reason="damaged"}',
  },
  'config-server': {
    main: 'servers/config-server/src/main.ts',
    env: async (state) => ({
      CONFIG_SERVER_ADDRESS: '127.0.0.1',
      CONFIG_SERVER_PORT: String(await freePort()),
      CONFIG_SERVER_DATA: state,
      CONFIG_SERVER_TOKENS: file('api-tokens', `all read,write ${'t'.repeat(40)}\n`),
    }),
    fill: async ({ env }) =>
      await request(`http://127.0.0.1:${env['CONFIG_SERVER_PORT']}/v1/documents/a`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${'t'.repeat(40)}`, 'if-none-match': '*' },
        body: 'a'.repeat(10_000),
      }),
    keeps: [/^config\.db$/],
    counted: 'config_server_state_damaged_total',
  },
  'config-sync': {
    main: 'sidecars/config-sync/src/main.ts',
    env: async (state) => ({
      CONFIG_URL: `http://127.0.0.1:${app.port}/`,
      CONFIG_FILES: `a.json=${join(top, 'a.json')}`,
      CONFIG_STATE_DIR: state,
    }),
    fill: async (program) => await program.answers('/readyz', 200),
    keeps: [/journal\.json$/, /good-/],
  },
  'control-plane': {
    main: 'servers/control-plane/src/main.ts',
    env: async (state) => {
      const [xds, mtls, enrolment, api] = await freePorts(4);
      const trust = `${state}-trust`;
      mkdirSync(trust, { recursive: true });
      return {
        CONTROL_ADDRESS: '127.0.0.1',
        CONTROL_XDS_PORT: String(xds),
        CONTROL_MTLS_PORT: String(mtls),
        CONTROL_ENROLMENT_PORT: String(enrolment),
        CONTROL_API_PORT: String(api),
        CONTROL_NAMESPACE: 'shop',
        CONTROL_POLICY: file('policy.yaml', JSON.stringify(POLICY)),
        CONTROL_TOKENS: file('join-tokens', `all * ${JOIN_TOKEN}`),
        CONTROL_OPERATOR_TOKEN: OPERATOR_TOKEN,
        CONTROL_DATA: state,
        CONTROL_TRUST: trust,
      };
    },
    // A replica registers, and an operator changes a split.
    fill: async ({ env }) => {
      const proxy = await start(PROXY, {
        ...(await proxyEnv(join(top, 'replica'))),
        MESH_XDS_PORT: env['CONTROL_MTLS_PORT']!,
        MESH_ENROLMENT_PORT: env['CONTROL_ENROLMENT_PORT']!,
        MESH_ROOT_CERTIFICATE: join(env['CONTROL_TRUST']!, 'root.crt'),
      });
      await proxy.up();
      const { status } = await request(`http://127.0.0.1:${env['CONTROL_API_PORT']}/api/splits/shop/main`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${OPERATOR_TOKEN}`, 'content-type': 'application/json' },
        body: '{"v1": 1, "v2": 99}',
      });
      assert.is(status, 200);
      await proxy.stop();
    },
    keeps: [/^state\.json$/, /^authority\/root\.key$/, /^authority\/intermediate\.crt$/, /policy/],
    counted: 'control_plane_failures_total{unit="authority"}',
  },
  'git-sync': {
    main: 'sidecars/git-sync/src/main.ts',
    env: async (state) => ({ GITSYNC_ROOT: state, GITSYNC_REPO: repository.url }),
    fill: async (program) => await program.answers('/readyz', 200),
    keeps: [/./],
    counted: 'git_sync_recoveries_total{what="state"}',
  },
  'log-shipper': {
    main: 'sidecars/log-shipper/src/main.ts',
    env: async (state) => ({
      FILE_PATHS: file('a.log', 'one\ntwo\n'),
      STORE_URL: `http://127.0.0.1:${await freePort()}`,
      STATE_DIR: state,
      SPOOL_DIR: join(state, 'spool'),
      DEAD_LETTER_DIR: join(state, 'dead'),
    }),
    keeps: [/^registry$/],
    counted: 'shipper_state_damaged_total',
  },
  'mesh-proxy': {
    ...PROXY,
    env: async (state) => ({
      ...(await proxyEnv(state)),
      MESH_XDS_PORT: String(plane.ports.mtls),
      MESH_ENROLMENT_PORT: String(plane.ports.enrolment),
      MESH_ROOT_CERTIFICATE: file('root.crt', plane.roots),
    }),
    keeps: [/^identity\.json$/, /^configuration\.json$/],
    counted: 'mesh_state_damaged_total{kind="identity"}',
  },
  tls: {
    main: 'sidecars/tls/src/main.ts',
    env: async (state) => ({
      PROXY_PORT: '1',
      TLS_LISTEN_ADDRESS: '127.0.0.1',
      TLS_LISTEN_PORT: String(await freePort()),
      TLS_STATE_DIR: state,
    }),
    keeps: [/^ca\.crt$/, /^private\/ca\.pem$/, /^private\/leaf\.pem$/],
    counted: 'tls_state_damaged_total',
  },
};

const start = async ({ main, options = [] }: Pick<Subject, 'main' | 'options'>, env: Record<string, string>) =>
  await startProgram([...options, join(ROOT, main)], env);

/** A file so long is not read whole, in bytes: a container has no memory for it. */
const LONG = 1024 ** 3;
/** In KB; from source, with its compiler, a program takes more than its image. */
const MOST_MEMORY = 400 * 1024;

const filesIn = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(directory, join(parentPath, name)));

/** The most memory that a program had until now, in KB. */
const peakOf = ({ child: { pid } }: Program): number =>
  Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]);

/** What happens to each file. */
const DAMAGES: Readonly<Record<string, (path: string) => void>> = {
  emptied: (path) => truncateSync(path),
  'cut in two': (path) => truncateSync(path, Math.floor(lstatSync(path).size / 2)),
  garbled: (path) => writeFileSync(path, Buffer.from(readFileSync(path).map(() => random.below(256)))),
  'longer than it ever gets': (path) => truncateSync(path, LONG),
  'of another kind': (path) => writeFileSync(path, '{"version": 1e9, "a": [null, {"b": "'),
};

for (const [name, subject] of Object.entries(SUBJECTS))
  test(`${name} starts whatever has become of its state`, async () => {
    const kept = join(top, `${name}-kept`);
    mkdirSync(kept);
    const { env, fill, keeps, counted } = subject;
    const first = await start(subject, await env(kept));
    await first.up();
    await fill?.(first);
    await eventually('its state is written', () =>
      keeps.every((each) => filesIn(kept).some((path) => each.test(path))),
    );
    await first.stop();
    const files = filesIn(kept);
    for (const [damage, harm] of Object.entries(DAMAGES)) {
      const state = join(top, `${name}-harmed`);
      cpSync(kept, state, { recursive: true });
      for (const path of files) harm(join(state, path));
      const program = await start(subject, await env(state));
      await program
        .up()
        .catch((error: Error) => assert.unreachable(`${damage} (${files.join(', ')}): ${error.message}`));
      const peak = peakOf(program);
      assert.ok(peak < MOST_MEMORY, `${damage}: ${peak} KB`);
      if (damage === 'garbled' && counted !== undefined) assert.ok((await program.metric(counted)) > 0, counted);
      await program.stop();
      rmSync(state, { recursive: true });
    }
  });

test('of what is damaged at each start a few are kept', async () => {
  const state = join(top, 'again');
  const { env } = SUBJECTS['tls']!;
  for (let starts = 0; starts < 5; starts++) {
    const program = await start(SUBJECTS['tls']!, await env(state));
    await program.up();
    await program.stop();
    DAMAGES['garbled']!(join(state, 'private/ca.pem'));
  }
  assert.is(filesIn(state).filter((path) => path.includes('ca.pem.damaged-')).length, 3);
});

test.run();
