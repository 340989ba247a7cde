/** Proxies start whatever has become of their state. */
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';
import { test } from 'uvu';
import { request } from '#kit/net/http-client.ts';
import { freePort } from '#kit/testing/ports.ts';
import { serve } from '#kit/testing/server.ts';
import { file, testStarts } from './starts.ts';

const app = await serve((_incoming, response) =>
  response.writeHead(200, { 'Cache-Control': 'max-age=600', ETag: '"1"' }).end('{"a": 1}'),
);

testStarts({
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
});

test.run();
