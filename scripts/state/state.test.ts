/** No state on disk keeps a program from starting: emptied, cut in two, garbled, or with what nobody expects. */
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
import { TestRepository } from '../../sidecars/git-sync/src/test-repository.ts';
import { Random } from '../attack/random.ts';
import { ROOT } from '../lib/stacks.ts';

const top = temporaryDirectory('state');
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

interface Subject {
  readonly main: string;
  /** @param state the directory of its state */
  readonly env: (state: string) => Promise<Record<string, string>>;
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
    fill: async () => await eventually('it is written', () => readdirSync(join(top, 'ambassador-kept')).length > 0),
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
  },
  'config-sync': {
    main: 'sidecars/config-sync/src/main.ts',
    env: async (state) => ({
      CONFIG_URL: `http://127.0.0.1:${app.port}/`,
      CONFIG_FILES: `a.json=${join(top, 'a.json')}`,
      CONFIG_STATE_DIR: state,
    }),
    fill: async (program) => await program.answers('/readyz', 200),
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
        CONTROL_POLICY: file('policy.yaml', '{"services": {"shop": {}}}'),
        CONTROL_TOKENS: file('join-tokens', `all * ${'t'.repeat(40)}`),
        CONTROL_OPERATOR_TOKEN: 'o'.repeat(40),
        CONTROL_DATA: state,
        CONTROL_TRUST: trust,
      };
    },
  },
  'git-sync': {
    main: 'sidecars/git-sync/src/main.ts',
    env: async (state) => ({ GITSYNC_ROOT: state, GITSYNC_REPO: repository.url }),
    fill: async (program) => await program.answers('/readyz', 200),
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
  },
  tls: {
    main: 'sidecars/tls/src/main.ts',
    env: async (state) => ({
      PROXY_PORT: '1',
      TLS_LISTEN_ADDRESS: '127.0.0.1',
      TLS_LISTEN_PORT: String(await freePort()),
      TLS_STATE_DIR: state,
    }),
  },
};

/** What happens to each file. */
const DAMAGES: Readonly<Record<string, (path: string) => void>> = {
  emptied: (path) => truncateSync(path),
  'cut in two': (path) => truncateSync(path, Math.floor(lstatSync(path).size / 2)),
  garbled: (path) => writeFileSync(path, Buffer.from(readFileSync(path).map(() => random.below(256)))),
  'of another kind': (path) => writeFileSync(path, '{"version": 1e9, "a": [null, {"b": "'),
};

for (const [name, { main, env, fill }] of Object.entries(SUBJECTS))
  test(`${name} starts whatever has become of its state`, async () => {
    const kept = join(top, `${name}-kept`);
    mkdirSync(kept);
    const first = await startProgram([join(ROOT, main)], await env(kept));
    await first.up();
    await fill?.(first);
    await first.stop();
    const files = readdirSync(kept, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name: each }) => relative(kept, join(parentPath, each)));
    assert.ok(files.length > 0, 'it keeps nothing');
    for (const [damage, harm] of Object.entries(DAMAGES)) {
      const state = join(top, `${name}-harmed`);
      cpSync(kept, state, { recursive: true });
      for (const path of files) harm(join(state, path));
      const program = await startProgram([join(ROOT, main)], await env(state));
      await program
        .up()
        .catch((error: Error) => assert.unreachable(`${damage} (${files.join(', ')}): ${error.message}`));
      await program.stop();
      rmSync(state, { recursive: true });
    }
  });

test.run();
