/** The control plane's program. */
import { readFileSync } from 'node:fs';
import { ConfigurationError } from '#kit/contract/parameters.ts';
import { runSidecar, type Kit } from '#kit/life/sidecar.ts';
import { contract } from './contract.ts';
import { startControlPlane } from './control-plane.ts';
import { TokenFileError, Tokens } from './registry/tokens.ts';

/** Streams of proxies besides one for each replica: one that was cut off comes again before its old one is given up. */
const SPARE_STREAMS = 1000;

async function job({
  parameters,
  log,
  metrics,
  readiness,
  shutdown,
}: Kit<typeof contract.parameters, typeof contract.metrics>): Promise<void> {
  const policy = readiness.check('policy');
  const store = readiness.check('store');
  store.pass();
  const publication = readiness.check('publication');
  const shortOf = (type: string): string => type.slice(type.lastIndexOf('.') + 1);
  const plane = await startControlPlane({
    log,
    address: parameters.CONTROL_ADDRESS,
    ports: {
      xds: parameters.CONTROL_XDS_PORT,
      mtls: parameters.CONTROL_MTLS_PORT,
      enrolment: parameters.CONTROL_ENROLMENT_PORT,
      api: parameters.CONTROL_API_PORT,
    },
    trustDomain: parameters.CONTROL_TRUST_DOMAIN,
    namespace: parameters.CONTROL_NAMESPACE,
    names: parameters.CONTROL_NAMES,
    policyPath: parameters.CONTROL_POLICY,
    tokens: readTokens(parameters.CONTROL_TOKENS),
    operatorToken: parameters.CONTROL_OPERATOR_TOKEN,
    data: parameters.CONTROL_DATA,
    trust: parameters.CONTROL_TRUST,
    lease: parameters.CONTROL_LEASE,
    limits: {
      service: parameters.CONTROL_MAX_REPLICAS_PER_SERVICE,
      peer: parameters.CONTROL_MAX_REPLICAS_PER_ADDRESS,
      all: parameters.CONTROL_MAX_REPLICAS,
    },
    streams: {
      proxy: parameters.CONTROL_MAX_PROXY_STREAMS || parameters.CONTROL_MAX_REPLICAS + SPARE_STREAMS,
      application: parameters.CONTROL_MAX_APPLICATION_STREAMS,
    },
    leafLifetime: parameters.CONTROL_LEAF_LIFETIME,
    probeInterval: parameters.CONTROL_PROBE_INTERVAL,
    probePort: parameters.CONTROL_PROBE_PORT,
    events: {
      answer: (answer, type) => metrics.control_plane_answers_total.inc({ answer, type: shortOf(type) }),
      push: (type) => metrics.control_plane_pushes_total.inc({ type: shortOf(type) }),
      clients: (count) => metrics.control_plane_clients.set(count),
      refusal: (reason) => metrics.control_plane_refusals_total.inc({ reason }),
      certificate: () => metrics.control_plane_certificates_total.inc(),
      policyTaken: () => policy.pass(),
      policyRefused: (error) => {
        metrics.control_plane_policy_refusals_total.inc();
        policy.fail(error.message);
      },
      ended: (reason) => metrics.control_plane_replicas_ended_total.inc({ reason }),
      state: ({ services }) => {
        const replicas = services.flatMap((service) => service.replicas);
        for (const health of ['healthy', 'unhealthy', 'draining'])
          metrics.control_plane_replicas.set({ health }, replicas.filter((each) => each.health === health).length);
      },
      stored: (failure) => (failure ? store.fail(failure.message) : store.pass()),
      // One service that is held back is no reason to keep the proxies of all others from starting.
      published: (failure, held) => (failure ? publication.fail(failure.message) : publication.pass(held)),
      failed: (unit) => metrics.control_plane_failures_total.inc({ unit }),
    },
  });
  log.info(plane.ports, 'serving');
  shutdown.step('clients', () => plane.close());
}

function readTokens(path: string): Tokens {
  try {
    return Tokens.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const reason = error instanceof TokenFileError ? 'malformed' : 'unreadable';
    const message = `CONTROL_TOKENS: ${path}: ${(error as Error).message}`;
    throw new ConfigurationError([{ parameter: 'CONTROL_TOKENS', reason, message }]);
  }
}

await runSidecar(contract, job);
