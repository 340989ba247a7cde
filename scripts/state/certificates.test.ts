/** What has keys starts whatever has become of them. */
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { freePort } from '#kit/testing/ports.ts';
import { startPlane } from '../../servers/control-plane/src/testing/plane.ts';
import { PROXY, POLICY, proxyEnv } from './mesh.ts';
import { DAMAGES, file, filesIn, start, testStarts, top, type Subject } from './starts.ts';

const plane = await startPlane(JSON.stringify(POLICY));
test.after(async () => await plane.close());

const TLS: Subject = {
  main: 'sidecars/tls/src/main.ts',
  env: async (state) => ({
    PROXY_PORT: '1',
    TLS_LISTEN_ADDRESS: '127.0.0.1',
    TLS_LISTEN_PORT: String(await freePort()),
    TLS_STATE_DIR: state,
  }),
  keeps: [/^ca\.crt$/, /^private\/ca\.pem$/, /^private\/leaf\.pem$/],
  counted: 'tls_state_damaged_total',
};

testStarts({
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
  tls: TLS,
});

test('of what is damaged at each start a few are kept', async () => {
  const state = join(top, 'again');
  const { env } = TLS;
  for (let starts = 0; starts < 5; starts++) {
    const program = await start(TLS, await env(state));
    await program.up();
    await program.stop();
    DAMAGES['garbled']!(join(state, 'private/ca.pem'));
  }
  assert.is(filesIn(state).filter((path) => path.includes('ca.pem.damaged-')).length, 3);
});

test.run();
