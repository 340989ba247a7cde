/** Servers start whatever has become of their state. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { request } from '#kit/net/http-client.ts';
import { freePort, freePorts } from '#kit/testing/ports.ts';
import { JOIN_TOKEN, OPERATOR_TOKEN } from '../../servers/control-plane/src/testing/plane.ts';
import { PROXY, POLICY, proxyEnv } from './mesh.ts';
import { file, start, testStarts, top } from './starts.ts';

testStarts({
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
});

test.run();
