/**
 * Envoy as the proxy of a pod, with what it does not do itself: this agent enrols, gives Envoy certificate and key by SDS,
 * registers the replica, and drains before it ends. It takes the parameters of the mesh proxy, in whose place it stands.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { runSidecar, type Kit } from '#kit/life/sidecar.ts';
import { ConfigurationError } from '#kit/contract/parameters.ts';
import { CONTENT_TYPES } from '#kit/telemetry/exposition.ts';
import { servePodPorts } from '../../../../../sidecars/mesh-proxy/src/admin/pod-ports.ts';
import { contract } from '../../../../../sidecars/mesh-proxy/src/contract.ts';
import { labelsOf, openXdsSources } from '../../../../../sidecars/mesh-proxy/src/xds-sources.ts';
import { listeningPorts } from '../../../../../sidecars/mesh-proxy/src/destination/listening.ts';
import type { Credentials, Identity } from '#mesh/model/identity.ts';
import { localityOf } from '#mesh/model/locality.ts';
import { askEnvoy, inboundPorts, openConnections } from './admin.ts';
import { bootstrapOf } from './bootstrap.ts';
import { serveSecrets } from './secrets.ts';

const ENVOY = '/usr/local/bin/envoy';
/** Between two looks, in milliseconds. */
const LOOK = 100;
/** For Envoy to tell all of its metrics, in milliseconds: what a scraper waits for. */
const STATS = 10_000;
/** For Envoy to end after it was asked to, in milliseconds. */
const CLOSING = 500;

async function job(kit: Kit<typeof contract.parameters, typeof contract.metrics>): Promise<void> {
  const { parameters, log, metrics, readiness, shutdown } = kit;
  const { MESH_CONTROL_PLANE: host, MESH_SERVICE: service = '', MESH_REPLICA: replica = hostname() } = parameters;
  if (host === undefined)
    throw new ConfigurationError([
      { parameter: 'MESH_CONTROL_PLANE', reason: 'missing', message: 'MESH_CONTROL_PLANE is not set; Envoy needs one' },
    ]);
  const { identity, register } = openXdsSources(parameters, log, host);
  // Of this user alone, in memory: the sockets by which Envoy gets its key, and is told what to do.
  const directory = mkdtempSync(join(tmpdir(), 'envoy-'));
  const at = (name: string): string => join(directory, name);
  const admin = at('admin.sock');
  const closeSecrets = await serveSecrets({
    identity,
    path: at('secrets.sock'),
    onRefused: (reason) => log.warn({ reason }, 'Envoy refused a certificate, and goes on with the last that it took'),
  });
  identity.onChange(({ notAfter }) => metrics.mesh_certificate_not_after_seconds.set(notAfter / 1000));
  const { spiffeId } = await firstOf(identity);
  writeFileSync(
    at('bootstrap.json'),
    bootstrapOf({
      service,
      replica,
      locality: localityOf(labelsOf(parameters)),
      controlPlane: {
        host,
        port: parameters.MESH_XDS_PORT,
        spiffeId: spiffeId.replace(/\/sa\/[^/]+$/, '/sa/control-plane'),
      },
      secrets: at('secrets.sock'),
      admin,
    }),
  );
  const envoy = startEnvoy(at('bootstrap.json'), parameters.SHUTDOWN_TIMEOUT, service);
  let stopping = false;
  const ended = new Promise<void>((resolve) => {
    envoy.on('exit', (code, signal) => {
      resolve();
      if (stopping) return;
      log.error({ code, signal }, 'Envoy has ended');
      // The container's restart policy begins anew.
      process.exit(1);
    });
  });

  const configured = readiness.check('configuration');
  const isLive = async (): Promise<boolean> =>
    (await askEnvoy(admin, 'GET', '/ready').catch(() => undefined))?.status === 200;
  const registration = register?.(async () => {
    if (!(await isLive())) return false;
    const wanted = inboundPorts((await askEnvoy(admin, 'GET', '/config_dump?resource=dynamic_listeners')).text);
    const listening = await listeningPorts();
    return wanted.every((port) => listening.has(port));
  });
  const ports = await servePodPorts({
    host: parameters.MESH_LISTEN_ADDRESS,
    metricsPort: parameters.MESH_METRICS_PORT,
    healthPort: parameters.MESH_HEALTH_PORT,
    // Its own, and Envoy's.
    answerScrape: async (_request, response) => {
      const text = (await kit.metricsText()) + (await askEnvoy(admin, 'GET', '/stats/prometheus', STATS)).text;
      response.setHeader('content-type', CONTENT_TYPES.prometheus);
      response.end(text);
    },
    ready: () => readiness.report().ready,
    onQuit: () => void shutdown.run('quitquitquit'),
  });
  const patience = Math.max(parameters.SHUTDOWN_TIMEOUT - CLOSING, parameters.SHUTDOWN_TIMEOUT / 2);
  // Others stop to send before this proxy stops to take.
  shutdown.step('registration', () => registration?.drain());
  shutdown.step('drain', async () => {
    stopping = true;
    await drain(admin, patience).catch((error: Error) => log.warn({ reason: error.message }, 'Envoy could not drain'));
    envoy.kill('SIGTERM');
    await ended;
  });
  shutdown.step('lease', () => registration?.close());
  shutdown.step('identity', () => {
    identity.close();
    closeSecrets();
  });
  shutdown.step('ports', () => {
    for (const port of ports) {
      port.close();
      port.closeAllConnections();
    }
  });
  while (!(await isLive())) await pause(LOOK);
  configured.pass();
  // Outbound and inbound: it is live once it has all of its listeners.
  log.info('listening');
}

async function firstOf(identity: Identity): Promise<Credentials> {
  if (identity.current !== undefined) return identity.current;
  const { promise, resolve } = Promise.withResolvers<Credentials>();
  identity.onChange(resolve);
  return promise;
}

/** @param drainTime milliseconds within which connections are asked to end @param service whose spans it sends */
function startEnvoy(bootstrap: string, drainTime: number, service: string) {
  const drain = ['--drain-strategy', 'immediate', '--drain-time-s', String(Math.ceil(drainTime / 1000))];
  // One process, which no other takes over; one worker, as our proxy has.
  const args = ['--config-path', bootstrap, '--disable-hot-restart', '--concurrency', '1', '--log-level', 'warning'];
  return spawn(ENVOY, [...args, ...drain], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, OTEL_RESOURCE_ATTRIBUTES: `service.name=${service}` },
  });
}

/** Let what is under way end. @param patience milliseconds */
async function drain(admin: string, patience: number): Promise<void> {
  const until = performance.now() + patience;
  await askEnvoy(admin, 'POST', '/drain_listeners?graceful&skip_exit');
  const path = '/stats?format=json&filter=^listener\\..*downstream_cx_active$';
  while (performance.now() < until && openConnections((await askEnvoy(admin, 'GET', path)).text) > 0) await pause(LOOK);
}

await runSidecar(contract, job);
