/** The control plane: what it knows, what follows from it, and where it is told. */
import { experimental, ServerCredentials } from '@grpc/grpc-js';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '#kit/telemetry/log.ts';
import { listen } from '#kit/net/listen.ts';
import { publishFile } from '#kit/files/atomic-file.ts';
import { createEnrolment } from './api/enrolment.ts';
import { graphOf } from './api/graph.ts';
import { createOperatorApi } from './api/operator.ts';
import type { Authority } from './authority/authority.ts';
import { CurrentAuthority } from './authority/current.ts';
import { OwnCertificate } from './authority/own.ts';
import { Boundary } from './xds/boundary.ts';
import { EMPTY_POLICY, endpointsOf, makeSplit, standing, type Split } from './mesh/mesh.ts';
import { SILENT, type Events } from './events.ts';
import { hostsOf } from './policy/hosts.ts';
import type { Policy } from './policy/types.ts';
import { PolicyWatch } from './policy/watch.ts';
import { Publication } from './publication.ts';
import { EndpointNames } from './registry/names.ts';
import { Probes } from './registry/probes.ts';
import { Registry } from './registry/registry.ts';
import type { Limits } from './registry/replica-quota.ts';
import { CONTROL_PLANE, type Tokens } from './registry/tokens.ts';
import { Settling } from './settling.ts';
import { StateFile } from './state-file.ts';
import { closeGrpc, listenGrpc } from './xds/listen.ts';
import { spiffeId } from './xds/resources/state.ts';
import { Discovery, Forbidden, type Peer, type StreamLimits } from './xds/server.ts';

export interface ControlPlaneOptions {
  readonly log: Logger;
  readonly address: string;
  /** 0 for free ones. */
  readonly ports: { readonly xds: number; readonly mtls: number; readonly enrolment: number; readonly api: number };
  readonly trustDomain: string;
  readonly namespace: string;
  readonly names: readonly string[];
  readonly policyPath: string;
  readonly tokens: Tokens;
  readonly operatorToken: string;
  readonly data: string;
  /** Where root.crt is published. */
  readonly trust?: string | undefined;
  /** Milliseconds. */
  readonly lease: number;
  /** Of replicas. */
  readonly limits: Limits;
  /** Of streams of xDS. */
  readonly streams: StreamLimits;
  readonly leafLifetime: number;
  /** 0 for none. */
  readonly probeInterval: number;
  readonly probePort: number;
  /** Addresses of a DNS name; a test's seam. */
  readonly resolve?: (name: string) => Promise<readonly string[]>;
  readonly events?: Partial<Events>;
}

/** Certificates a minute that a service may get however few replicas it may have. */
const LEAST_CERTIFICATES = 60;
const PROBE_TIMEOUT = 3000;
/** Addresses behind a name change rarely, and a client keeps former ones for as long itself. */
const NAMES_INTERVAL = 10_000;
/** A start waits no longer for DNS. */
const FIRST_NAMES = 5000;
/** Connections to a port of xDS besides one for each stream. */
const SPARE_CONNECTIONS = 100;

export interface ControlPlane {
  readonly ports: ControlPlaneOptions['ports'];
  readonly registry: Registry;
  readonly discovery: Discovery;
  /** PEM of the trust domain's roots. */
  readonly roots: string;
  /** What is known now goes out at once. */
  publish(): void;
  close(): Promise<void>;
}

/**
 * Start it.
 * @returns it, listening, with what was saved before and the policy as it is
 * @throws {ConfigurationError} for ports that cannot be had, {RootOffline}, and errors of the file system
 */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { log, trustDomain, namespace } = options;
  const events: Events = { ...SILENT, ...options.events };
  const current = await CurrentAuthority.open({
    directory: join(options.data, 'authority'),
    trustDomain,
    lifetime: options.leafLifetime,
    log,
    onDamaged: () => events.failed('authority'),
  });
  const authority = (): Promise<Authority> => current.signing();
  const { roots } = current;
  if (options.trust !== undefined) await publishFile(join(options.trust, 'root.crt'), roots, { mode: 0o644 });
  const statePath = join(options.data, 'state.json');
  const boundary = new Boundary(log, events.failed);
  const saved = await StateFile.read(statePath, (error, aside) => void boundary.failed('state', error, { aside }));

  let policy: Policy = EMPTY_POLICY;
  let digest: string | undefined;
  let refusal: string | undefined;
  let splits: readonly Split[] = saved.splits;
  const probed = new Map<string, 'passing' | 'failing'>();
  const publication = new Publication({
    trustDomain,
    namespace,
    roots,
    boundary,
    known: () => ({ policy, splits, replicas: registry.replicas, resolved: names.addresses, probed, digest }),
    tell: (version) => discovery.update(version),
    onState: events.state,
    onResult: events.published,
  });
  const settling = new Settling({ publish: () => publication.now() });
  const publish = (): Error | undefined => settling.flush();
  const changed = (): void => void settling.changed();
  const names = new EndpointNames({
    names: () =>
      Object.values(policy.services).flatMap(({ endpoints = [] }) => endpoints.filter((each) => isIP(each) === 0)),
    former: saved.resolved,
    onChange: () => {
      changed();
      void stateFile.save();
    },
    onFailure: (name, error) => log.warn({ name, err: error }, `DNS has no address of the endpoint ${name}`),
    interval: NAMES_INTERVAL,
    ...(options.resolve && { resolve: options.resolve }),
  });
  const registry = new Registry({
    lease: options.lease,
    limits: options.limits,
    onChange: () => {
      changed();
      void stateFile.save();
    },
    onEnd: ({ service, name }, ending) => {
      log.info({ service, replica: name, ending }, `a replica is gone: ${ending}`);
      events.ended(ending);
    },
  });
  const stateFile = new StateFile({
    path: statePath,
    state: () => ({ replicas: registry.replicas, splits, resolved: Object.fromEntries(names.addresses) }),
    onWritten: (failure) => {
      if (failure) log.error({ err: failure }, 'what is registered could not be saved');
      events.stored(failure);
    },
  });
  const discovery = new Discovery({
    log,
    boundary,
    viewOf: (client) => publication.viewOf(client),
    identify: (peer) => identify(peer, { trustDomain, namespace }),
    onAnswer: events.answer,
    onPush: events.push,
    onClients: events.clients,
    onRefused: (who) => events.refusal(`${who}_streams`),
    limits: options.streams,
  });
  registry.restore(saved.replicas);
  const watch = new PolicyWatch({
    path: options.policyPath,
    lastGood: join(options.data, 'policy.yaml'),
    onPolicy: (next, hash) => {
      policy = next;
      digest = hash;
      refusal = undefined;
      splits = standing(splits, policy);
      changed();
      void names.look();
      log.info({ services: Object.keys(policy.services).length }, 'the policy was taken');
      events.policyTaken();
    },
    onRefusal: (error) => {
      refusal = error.message;
      for (const line of error.message.split('\n'))
        log.error(`the policy was refused, and the last good one stays: ${line}`);
      events.policyRefused(error);
    },
    onFailure: (error) => boundary.failed('policy', error),
  });
  await watch.read();
  // What is published first must not take from proxies the endpoints that they still have.
  const looked = names.look();
  if (!names.complete) await Promise.race([looked, delay(FIRST_NAMES, undefined, { ref: false })]);
  publish();

  const own = await OwnCertificate.open({
    authority,
    spiffeId: spiffeId({ trustDomain, namespace }, CONTROL_PLANE),
    names: options.names,
    onFailure: (error) => log.error({ err: error }, "the control plane's certificate could not be renewed"),
  });
  const secure = experimental.createCertificateProviderServerCredentials(own, own, true);
  const at = (kind: 'xds' | 'mtls', streams: number) => ({
    host: options.address,
    port: options.ports[kind],
    parameter: `CONTROL_${kind.toUpperCase()}_PORT`,
    // One for each stream, and some that are on their way.
    connections: streams + SPARE_CONNECTIONS,
  });
  const { streams } = options;
  const plain = await listenGrpc(discovery, at('xds', streams.application), ServerCredentials.createInsecure());
  const mtls = await listenGrpc(discovery, at('mtls', streams.proxy), secure);
  const enrolment = createEnrolment({
    log,
    tls: own.current,
    tokens: () => options.tokens,
    registry,
    authority,
    trustDomain,
    namespace,
    lease: options.lease,
    // As many as its replicas may be, every minute: they all start at once, and renew rarely.
    certificateRate: `${Math.max(LEAST_CERTIFICATES, options.limits.service)}/min`,
    ownerOf: (name) => hostsOf(policy).get(name),
    onRefusal: events.refusal,
    onCertificate: events.certificate,
  });
  own.onChange((pair) => (enrolment.server as unknown as import('node:tls').Server).setSecureContext(pair));
  /** @throws where that cannot be published, the former ones then staying */
  const setSplits = async (next: readonly Split[], service: string): Promise<void> => {
    const former = splits;
    splits = next;
    const failure = publish() ?? publication.last.held.get(service);
    if (failure) {
      splits = former;
      changed();
      throw new Error('the change of a split could not be published', { cause: failure });
    }
    await stateFile.save();
  };
  const api = createOperatorApi({
    log,
    token: options.operatorToken,
    graph: () => {
      const { version, policy: inForce, failure } = publication.last;
      const problem =
        refusal ?? (failure && `what is known could not be published: ${failure.message}`) ?? publication.held;
      return graphOf(publication.state, discovery.clients, { version, policy: inForce, problem });
    },
    policy: () => policy,
    split: async (service, route, weights) => {
      const split = makeSplit(policy, service, route, weights);
      await setSplits([...splits.filter((each) => each.service !== service || each.route !== route), split], service);
    },
    unsplit: async (service, route) => {
      const rest = splits.filter((each) => each.service !== service || each.route !== route);
      if (rest.length === splits.length) return false;
      await setSplits(rest, service);
      return true;
    },
  });
  await enrolment.ready();
  await api.ready();
  await listen(enrolment.server, { host: options.address, port: options.ports.enrolment }, 'CONTROL_ENROLMENT_PORT');
  await listen(api.server, { host: options.address, port: options.ports.api }, 'CONTROL_API_PORT');

  const probes =
    options.probeInterval === 0
      ? undefined
      : new Probes({
          interval: options.probeInterval,
          timeout: PROBE_TIMEOUT,
          targets: () => [
            ...registry.replicas
              .filter(({ phase }) => phase === 'ready')
              .map(({ id, address }) => ({
                id,
                address,
                port: options.probePort,
                url: `http://${address.includes(':') ? `[${address}]` : address}:${options.probePort}/readyz`,
              })),
            ...Object.entries(policy.services).flatMap(([service, own]) =>
              endpointsOf(own, names.addresses).map((address) => ({
                id: `${service} ${address}`,
                address,
                port: own.ports![0]!.port,
              })),
            ),
          ],
          onResult: (id, result, reason) => {
            if (result === 'failing') log.warn({ target: registry.get(id)?.name ?? id, reason }, 'a probe fails');
            if (registry.get(id)) return registry.probed(id, result);
            if (probed.get(id) === result) return;
            probed.set(id, result);
            changed();
          },
          onFailure: (error) => boundary.failed('probe', error),
        });

  const portOf = (server: { address(): unknown }): number => (server.address() as { port: number }).port;
  return {
    ports: { xds: plain.port, mtls: mtls.port, enrolment: portOf(enrolment.server), api: portOf(api.server) },
    registry,
    discovery,
    roots,
    publish: () => void publish(),
    close: async () => {
      probes?.close();
      watch.close();
      names.close();
      own.close();
      current.close();
      settling.close();
      registry.close();
      discovery.close();
      await Promise.all([closeGrpc(plain), closeGrpc(mtls), enrolment.close(), api.close()]);
      await stateFile.save();
    },
  };
}

/** A proxy shows a certificate, and is what that says; what it says of itself must agree. */
function identify(
  { service, identities, nodeId }: Peer,
  mesh: { readonly trustDomain: string; readonly namespace: string },
): string | undefined {
  if (identities === undefined) return undefined;
  const prefix = spiffeId(mesh, '');
  const own =
    identities.length === 1 && identities[0]!.startsWith(prefix) ? identities[0]!.slice(prefix.length) : undefined;
  if (own === undefined)
    throw new Forbidden(`${nodeId} shows ${identities.join(', ') || 'no identity'}, which is not of this mesh`);
  if (service !== undefined && service !== own)
    throw new Forbidden(`${nodeId} says that it is ${service}, and its certificate ${own}`);
  return own;
}
