/** The mesh proxy's program. */
import { isIPv6 } from 'node:net';
import type { Values } from '#kit/contract/parameters.ts';
import { giveBackAfterStart } from '#kit/life/memory.ts';
import { answers } from '#kit/net/probes.ts';
import { tracingSettings } from '#kit/tracing/parameters.ts';
import { runSidecar, type Kit } from '#kit/life/sidecar.ts';
import { WallTimer } from '#kit/time/wall-clock.ts';
import { servePodPorts } from './admin/pod-ports.ts';
import { clusterReport, identityReport, requestReport } from './admin/reports.ts';
import { serveTap } from './admin/tap.ts';
import { contract } from './contract.ts';
import { DataPlane } from './data-plane.ts';
import { ownResolver } from './dns/resolver.ts';
import { DnsServer, type DnsOptions } from './dns/server.ts';
import { fromKernel } from './destination/original.ts';
import { OwnAddresses } from './destination/own.ts';
import type { Configuration } from '#mesh/model/configuration.ts';
import { ConfigurationRefused } from '#mesh/model/source.ts';
import { parseSpiffeId } from './security/spiffe-id.ts';
import { settingsOf } from './settings.ts';
import { openSources } from './sources.ts';
import { Telemetry } from './telemetry/telemetry.ts';
import type { Self } from './telemetry/labels.ts';

/** Left of the shutdown's time for closing after the drain was cut, in milliseconds. */
const CLOSING = 500;
/** How long an idle connection between proxies is kept, in milliseconds: less than the other side keeps it. */
const UPSTREAM_IDLE = 60_000;
const HANDSHAKE_TIMEOUT = 10_000;
/** How long an address may take to answer, in milliseconds: its kernel does, however busy its programs are. */
const LOOK_TIMEOUT = 2000;

async function job(kit: Kit<typeof contract.parameters, typeof contract.metrics>): Promise<void> {
  const { parameters, log, metrics, readiness, shutdown, adminPath, beforeMetrics } = kit;
  const { identity, source, register } = await openSources(parameters, log, (kind) =>
    metrics.mesh_state_damaged_total.inc({ kind }),
  );
  const version = parameters.MESH_LABELS?.find((label) => label.startsWith('version='))?.slice('version='.length);
  const ownAddresses = new OwnAddresses();
  let self = selfOf(identity.current?.spiffeId, version);
  identity.onChange(({ spiffeId }) => {
    self = selfOf(spiffeId, version);
  });
  let registration: ReturnType<NonNullable<typeof register>> | undefined;
  const telemetry = new Telemetry({
    log,
    metrics,
    self: () => self,
    accessLog: parameters.MESH_ACCESS_LOG,
    tracing: tracingSettings(parameters),
    scope: { name: contract.name, version: contract.version },
  });
  beforeMetrics(() => telemetry.publish());
  const { MESH_LISTEN_ADDRESS: host } = parameters;
  const plane = new DataPlane({
    log,
    identity,
    originalDestination: fromKernel(),
    settings: settingsOf(parameters),
    outbound: { host, port: parameters.MESH_OUTBOUND_PORT, telemetry: telemetry.outbound },
    inbound: { host, port: parameters.MESH_INBOUND_PORT, telemetry: telemetry.inbound },
    maxConnections: parameters.MESH_MAX_CONNECTIONS,
    upstreamIdleTimeout: UPSTREAM_IDLE,
    handshakeTimeout: HANDSHAKE_TIMEOUT,
    // Where the other proxies have it, too; who refuses the connection is there as well.
    isThere: (address) => answers(address, parameters.MESH_HEALTH_PORT, LOOK_TIMEOUT),
    onSecure: (socket) => {
      const { name = 'unknown' } = (socket.getEphemeralKeyInfo() ?? {}) as { name?: string };
      metrics.mesh_tls_handshakes_total.inc({ group: name });
    },
    onEjection: (cluster, { model }, reason, duration) => {
      metrics.mesh_ejections_total.inc({ cluster, reason });
      log.warn({ cluster, endpoint: `${model.address}:${model.port}`, reason, for_ms: duration }, 'endpoint left out');
    },
    // Callers are told to go elsewhere before they ask.
    onApplicationDown: () => registration?.look(),
    version,
  });

  const configured = readiness.check('configuration');
  const certified = readiness.check('certificate');
  const expiry = new WallTimer();
  const certificate = Promise.withResolvers<void>();
  const onCertificate = (notAfter: number): void => {
    metrics.mesh_certificate_not_after_seconds.set(notAfter / 1000);
    certified.pass();
    expiry.set(notAfter, () => certified.fail('the certificate has expired, and there is no new one'));
    certificate.resolve();
  };
  identity.onChange(({ notAfter }) => onCertificate(notAfter));
  if (identity.current !== undefined) onCertificate(identity.current.notAfter);
  const configuration = Promise.withResolvers<void>();
  source.start((next: Configuration) => {
    try {
      plane.apply(next);
    } catch (error) {
      metrics.mesh_configurations_total.inc({ result: 'refused' });
      if (error instanceof ConfigurationRefused) throw error;
      log.error({ err: error }, 'internal error: a configuration could not be taken in use');
      throw new ConfigurationRefused('the proxy failed to take it in use; its log says why');
    }
    metrics.mesh_configurations_total.inc({ result: 'used' });
    telemetry.update(next);
    configured.pass();
    configuration.resolve();
  });

  adminPath('/config_dump', (_request, response) => json(response, plane.runtime.snapshot?.configuration ?? null));
  adminPath('/clusters', (_request, response) => json(response, clusterReport(plane.runtime.clusters.values())));
  adminPath('/requests', ({ socket }, response) =>
    json(response, requestReport(telemetry.last.list(), socket.remoteAddress)),
  );
  adminPath('/certs', (_request, response) => json(response, identityReport(identity.current)));
  let open = false;
  registration = register?.(async () => {
    if (!open) return false;
    const wanted = plane.runtime.snapshot?.configuration.inbound.ports ?? [];
    if (wanted.length === 0) return true;
    const listening = await plane.application.look();
    return wanted.every(({ port }) => listening.has(port));
  });
  const ports = await servePodPorts({
    host,
    metricsPort: parameters.MESH_METRICS_PORT,
    healthPort: parameters.MESH_HEALTH_PORT,
    answerScrape: kit.answerScrape,
    ready: () => readiness.report().ready,
    onQuit: () => void shutdown.run('quitquitquit'),
  });
  const dns = await serveDns(parameters, (name) => {
    const names = plane.runtime.snapshot?.configuration.names;
    const found = names !== undefined && Object.hasOwn(names, name) ? names[name] : undefined;
    return found && ownAddresses.near(found);
  });
  const { MESH_TAP_PORT: tapPort } = parameters;
  const tap =
    tapPort === undefined
      ? undefined
      : await serveTap({
          host,
          port: tapPort,
          identity,
          tls: plane.tls,
          log,
          allowed: () => plane.runtime.snapshot?.configuration.telemetry?.tap?.identities ?? [],
          watchers: telemetry.watchers,
        });
  const patience = Math.max(parameters.SHUTDOWN_TIMEOUT - CLOSING, parameters.SHUTDOWN_TIMEOUT / 2);
  // Others stop to send before this proxy stops to take.
  shutdown.step('registration', () => registration?.drain());
  shutdown.step('configuration', () => source.close());
  shutdown.step('drain', () => plane.drain(patience));
  shutdown.step('telemetry', () => telemetry.close());
  shutdown.step('lease', () => registration?.close());
  shutdown.step('identity', () => identity.close());
  shutdown.step('ports', () => {
    for (const server of dns) server.close();
    tap?.close();
    for (const port of ports) {
      port.close();
      port.closeAllConnections();
    }
  });

  // Started: the application may start now, as its first request already finds its way.
  await Promise.all([configuration.promise, certificate.promise]);
  await plane.open();
  open = true;
}

async function serveDns(
  { MESH_DNS_PORT: port, MESH_LISTEN_ADDRESS: host }: Values<typeof contract.parameters>,
  lookup: DnsOptions['lookup'],
): Promise<readonly DnsServer[]> {
  if (port === undefined) return [];
  // What the pod asks is redirected to loopback: nobody else can ask, or take the room of what waits.
  const hosts = isIPv6(host) ? ['127.0.0.1', '::1'] : ['127.0.0.1'];
  const servers = hosts.map((each) => new DnsServer({ host: each, port, lookup, resolver: ownResolver() }));
  await Promise.all(servers.map((server) => server.open()));
  return servers;
}

/** @param spiffeId undefined before the first certificate */
function selfOf(spiffeId: string | undefined, version: string | undefined): Self {
  const id = spiffeId === undefined ? undefined : parseSpiffeId(spiffeId);
  const { service: name = 'unknown', namespace = 'unknown', text: principal } = id ?? {};
  return { name, namespace, principal, ...(version !== undefined && { version }) };
}

function json(
  response: { setHeader(name: string, value: string): unknown; end(text: string): unknown },
  value: unknown,
): void {
  response.setHeader('content-type', 'application/json');
  response.end(`${JSON.stringify(value, null, 2)}\n`);
}

await runSidecar(contract, job);
giveBackAfterStart();
