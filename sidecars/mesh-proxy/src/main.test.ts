/** The program as a whole: its start, what it tells, its end. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { request } from '#kit/net/http-client.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { freePorts } from '#kit/testing/ports.ts';
import { startProgram, type Program } from '#kit/testing/program.ts';
import { refused } from '#kit/testing/server.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { exchange, RawClient } from '#proxy/testing/raw-client.ts';
import type { Configuration } from '#mesh/model/configuration.ts';
import type { Credentials } from '#mesh/model/identity.ts';
import { configurationOf } from './testing/mesh.ts';
import { credentialsOf, idOf } from './testing/identities.ts';

interface Started {
  readonly program: Program;
  readonly directory: string;
  readonly credentials: Credentials;
  readonly inbound: number;
  readonly outbound: number;
  readonly metrics: number;
  readonly health: number;
  readonly tap: number;
}

function certify(directory: string, { key, chain, trustBundle }: Credentials): void {
  writeFileSync(join(directory, 'tls.key'), key);
  writeFileSync(join(directory, 'tls.crt'), chain);
  writeFileSync(join(directory, 'ca.crt'), trustBundle);
}

/** Nothing is redirected here: what comes to the inbound port was meant for it, and is refused as a loop. */
async function start(configuration?: Configuration, certified = true): Promise<Started> {
  const directory = temporaryDirectory('mesh-proxy');
  const credentials = await credentialsOf('front');
  if (certified) certify(directory, credentials);
  if (configuration) writeFileSync(join(directory, 'mesh.json'), JSON.stringify(configuration));
  const [outbound, inbound, metrics, health, tap] = (await freePorts(5)) as [number, number, number, number, number];
  const program = await startProgram(['--experimental-ffi', join(import.meta.dirname, 'main.ts')], {
    MESH_CONFIG: join(directory, 'mesh.json'),
    MESH_IDENTITY_DIR: directory,
    MESH_LISTEN_ADDRESS: '127.0.0.1',
    MESH_OUTBOUND_PORT: String(outbound),
    MESH_INBOUND_PORT: String(inbound),
    MESH_METRICS_PORT: String(metrics),
    MESH_HEALTH_PORT: String(health),
    MESH_TAP_PORT: String(tap),
  });
  return { program, directory, credentials, inbound, outbound, metrics, health, tap };
}

test('it is started and ready with the first configuration, not before', async () => {
  const { program, directory, health } = await start();
  await program.answers('/readyz', 503, /configuration/);
  await program.answers('/startupz', 503);
  assert.is((await request(`http://127.0.0.1:${health}/readyz`)).status, 503);
  writeFileSync(join(directory, 'mesh.json'), JSON.stringify(configurationOf({ version: 'first' })));
  await program.up();
  await program.answers('/readyz', 200);
  assert.is((await request(`http://127.0.0.1:${health}/readyz`)).status, 200);
  await program.answers('/config_dump', 200, /"version": "first"/);
  await program.answers('/certs', 200, new RegExp(idOf('front')));
  assert.is(await program.stop(), 0, program.output);
});

test('nobody is let in before the first certificate is there', async () => {
  const { program, directory, credentials, inbound, outbound } = await start(configurationOf(), false);
  await program.answers('/readyz', 503, /certificate/);
  assert.ok(await refused(inbound));
  assert.ok(await refused(outbound));
  certify(directory, credentials);
  await program.up();
  await program.answers('/readyz', 200);
  assert.not(await refused(inbound));
  assert.not(await refused(outbound));
  assert.is(await program.stop(), 0, program.output);
});

test('it is not ready with a certificate that has expired, until there is another', async () => {
  const { program, directory, credentials } = await start(configurationOf(), false);
  certify(directory, await credentialsOf('front', { from: -3, to: -1 }));
  await program.answers('/readyz', 503, /the certificate has expired/);
  certify(directory, credentials);
  await program.answers('/readyz', 200);
  assert.is(await program.stop(), 0, program.output);
});

test('a configuration that cannot be used never replaces one that can', async () => {
  const { program, directory } = await start(configurationOf({ version: 'good' }));
  await program.up();
  for (const bad of [
    '{',
    JSON.stringify({ ...configurationOf({ version: 'bad' }), inbound: { mtls: 'SOMETIMES' } }),
    JSON.stringify({ ...configurationOf({ version: 'bad' }), more: 1 }),
    JSON.stringify(
      configurationOf({
        version: 'bad',
        outbound: { unknown: 'ALLOW_ANY', listeners: [{ name: 'x', port: 80, tcp: [{ cluster: 'gone', weight: 1 }] }] },
      }),
    ),
  ]) {
    const before = program.output.split('configuration refused').length;
    writeFileSync(join(directory, 'mesh.json'), bad);
    await eventually('it is refused', () => program.output.split('configuration refused').length > before);
    await program.answers('/config_dump', 200, /"version": "good"/);
  }
  assert.match(program.output, /one of STRICT, PERMISSIVE, DISABLE is wanted/);
  assert.match(program.output, /there is no cluster gone/);
  assert.is(await program.stop(), 0, program.output);
});

test('quitquitquit ends it, by POST from the pod itself', async () => {
  const { program, metrics } = await start(configurationOf());
  await program.up();
  assert.is((await request(`http://127.0.0.1:${metrics}/quitquitquit`)).status, 404);
  for (const [accept, type] of [
    ['', 'text/plain'],
    ['application/openmetrics-text', 'application/openmetrics-text'],
    [
      'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited',
      'application/vnd.google.protobuf',
    ],
  ]) {
    const scraped = await request(`http://127.0.0.1:${metrics}/metrics`, { headers: { accept: accept! } });
    assert.is(String(scraped.headers['content-type']).split(';', 1)[0], type);
  }
  assert.is((await request(`http://127.0.0.1:${metrics}/quitquitquit`, { method: 'POST' })).status, 200);
  assert.is(await program.ended(), 0, program.output);
});

test('who connects to the proxy itself does not go round in circles', async () => {
  const { program, inbound } = await start(configurationOf());
  await program.up();
  assert.is(await exchange(inbound, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n').catch(() => ''), '');
  assert.is(await program.stop(), 0, program.output);
});

test('tap is for the identities that are named, and for nobody else', async () => {
  const { program, tap } = await start(
    configurationOf({ inbound: { mtls: 'STRICT' }, telemetry: { tap: { identities: [idOf('watcher')] } } }),
  );
  await program.up();
  const watch = async (service: string): Promise<RawClient> => {
    const { key, chain, trustBundle } = await credentialsOf(service);
    const socket = connectTls({
      port: tap,
      host: '127.0.0.1',
      key,
      cert: chain,
      ca: trustBundle,
      checkServerIdentity: () => undefined,
    });
    socket.on('error', () => {});
    await once(socket, 'secureConnect');
    const talk = new RawClient(socket);
    talk.send('GET /tap HTTP/1.1\r\nHost: x\r\n\r\n');
    await talk.until(({ text }) => text.includes('\r\n\r\n'), 30_000);
    return talk;
  };
  const stranger = await watch('stranger');
  assert.match(stranger.text, /^HTTP\/1\.1 403 /);
  stranger.socket.destroy();
  const watcher = await watch('watcher');
  assert.match(watcher.text, /^HTTP\/1\.1 200 /);
  watcher.socket.destroy();
  assert.is(await program.stop(), 0, program.output);
});

test('without a place for its configuration it says so', async () => {
  const program = await startProgram(['--experimental-ffi', join(import.meta.dirname, 'main.ts')], {});
  assert.is(await program.ended(), 64);
  assert.match(program.output, /MESH_CONFIG/);
});

test('labels may have the prefix that those of Kubernetes have', async () => {
  const program = await startProgram(['--experimental-ffi', join(import.meta.dirname, 'main.ts')], {
    MESH_LABELS: 'version=1,topology.kubernetes.io/zone=here',
  });
  assert.is(await program.ended(), 64);
  assert.match(program.output, /MESH_CONFIG/);
  assert.not.match(program.output, /MESH_LABELS/);
});

test.run();
