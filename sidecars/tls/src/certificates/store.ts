/** The certificates of this sidecar: a directory of one's own, or a development CA's. */
import type { SecureContext, SecureContextOptions } from 'node:tls';
import type { Metrics } from '#kit/telemetry/metrics.ts';
import { ConfigurationError, type Problem, type Values } from '#kit/contract/parameters.ts';
import { everyInterval, type WallClock } from '#kit/time/wall-clock.ts';
import type { contract } from '../contract.ts';
import { createClientPolicy, type ClientPolicy } from './client-identity.ts';
import { DevelopmentStore } from './development-store.ts';
import { readPairs, type Found } from '#proxy/tls/directory.ts';
import { BadPair, checkPair, contextOf, type Pair, type PairFiles } from '#proxy/tls/pair.ts';
import { Reloader, RELOAD_TIMING, type ReloadTiming } from '#proxy/tls/reload.ts';
import { TrustReloader } from './trust-reload.ts';
import { CertificateSet, type CertificateLog, type CertificateStats } from '#proxy/tls/certificate-set.ts';

export interface CertificateStore {
  /** What clients get that name no server; its texts are for the listener's own context. */
  readonly default: {
    readonly name: string;
    readonly context: SecureContext;
    readonly cert: string | Buffer | Buffer[];
    readonly key: string | Buffer | Buffer[];
  };
  /** Context for an SNI name: exact, then wildcard (one label), then default or (TLS_UNKNOWN_NAME=refuse) undefined. */
  contextFor(serverName: string | undefined): SecureContext | undefined;
  /** True when SNI must be looked at at all (more than one certificate, or refuse). May change at reload. */
  readonly needsServerName: boolean;
  /** There is an OCSP response to staple. May change at reload. */
  readonly staples: boolean;
  /** The OCSP response for a certificate (its SHA-256 fingerprint), while it is current. */
  stapleFor(fingerprint: string): Buffer | undefined;
  /** Look at all files now. */
  reload(): void;
  /** Called after each successful reload. */
  onChange(listener: () => void): void;
  /** PEM of the development CA, when there is one (served at /ca.crt). */
  readonly developmentCa: string | undefined;
  close(): void;
}

export interface CertificateStoreOptions {
  readonly parameters: Values<typeof contract.parameters>;
  readonly log: CertificateLog;
  readonly metrics: CertificateMetrics;
  /** Whose CA and revocation lists client certificates are verified against; watched from here on. */
  readonly policy?: ClientPolicy;
  /** These are tests' seams. */
  readonly timing?: ReloadTiming;
  readonly clock?: WallClock;
}

type CertificateMetrics = Pick<
  Metrics<typeof contract.metrics>,
  'tls_certificate_not_after_seconds' | 'tls_certificate_reloads_total' | 'tls_state_damaged_total'
>;

function statsOf(metrics: CertificateMetrics): CertificateStats {
  return {
    inUse: (name, notAfter) => metrics.tls_certificate_not_after_seconds.set({ name }, notAfter),
    looked: (result) => metrics.tls_certificate_reloads_total.inc({ result }),
  };
}

/** The development certificate as logs and metrics call it. */
const DEVELOPMENT = 'development';
/** How often a development certificate's end is looked at, in milliseconds. */
const RENEWAL_CHECK = 12 * 3_600_000;

/**
 * Load and check every certificate, then keep them up to date.
 * @throws {ConfigurationError} when one cannot be used, the default is missing, or the state directory is not fit
 */
export async function openCertificateStore(options: CertificateStoreOptions): Promise<CertificateStore> {
  const { parameters, log } = options;
  const stats = statsOf(options.metrics);
  const { TLS_CERT_DIR, TLS_CERT_NAME, TLS_UNKNOWN_NAME, TLS_MIN_VERSION } = parameters;
  const policy = options.policy ?? createClientPolicy(parameters);
  // OpenSSL takes the client CA from the context that SNI chose, not from the listener's.
  const common = (): SecureContextOptions => ({
    minVersion: `TLSv${TLS_MIN_VERSION}`,
    ...(policy.clientCa && { ca: policy.clientCa }),
    ...(policy.clientCrls.length > 0 && { crl: [...policy.clientCrls] }),
  });
  const certificates = new CertificateSet({
    defaultName: TLS_CERT_DIR === undefined ? DEVELOPMENT : TLS_CERT_NAME,
    unknownName: TLS_UNKNOWN_NAME,
    contextOf: (pairs) => contextOf(pairs, common()),
    log,
    stats,
  });
  const check = (files: PairFiles): Pair => checkPair(files, common());
  const timing = options.timing ?? RELOAD_TIMING;
  const watchTrust = (): TrustReloader | undefined =>
    policy.clientCa === undefined
      ? undefined
      : new TrustReloader({ parameters, policy, log, stats, timing, onChange: () => certificates.renew() });
  if (TLS_CERT_DIR === undefined) {
    const development = await openDevelopment(options, certificates, check);
    return storeOf(certificates, development, watchTrust());
  }

  const pairs = await loadAll(TLS_CERT_DIR, TLS_CERT_NAME, check, certificates);
  const reloader = new Reloader({ directory: TLS_CERT_DIR, certificates, check, log, stats, timing }, pairs);
  return storeOf(certificates, reloader, watchTrust());
}

/** Where certificates come from. */
interface Source {
  readonly look: () => void;
  readonly close: () => void;
  readonly ca?: string;
}

function storeOf(
  certificates: CertificateSet,
  source: Source | Reloader,
  trust: TrustReloader | undefined,
): CertificateStore {
  return {
    get default() {
      return certificates.default;
    },
    get needsServerName() {
      return certificates.needsServerName;
    },
    contextFor: (serverName) => certificates.contextFor(serverName),
    onChange: (listener) => certificates.onChange(listener),
    get staples() {
      return certificates.staples;
    },
    stapleFor: (fingerprint) => certificates.stapleFor(fingerprint),
    reload() {
      source.look();
      trust?.look();
    },
    developmentCa: 'ca' in source ? source.ca : undefined,
    close() {
      source.close();
      trust?.close();
    },
  };
}

/** Put all pairs of a directory in use; every bad one is a problem of its own. */
async function loadAll(
  directory: string,
  defaultName: string,
  check: (files: PairFiles) => Pair,
  certificates: CertificateSet,
): Promise<Found[]> {
  const problems: Problem[] = [];
  const note = (error: unknown): void => {
    if (!(error instanceof BadPair)) throw error;
    problems.push({ parameter: 'TLS_CERT_DIR', reason: error.reason, message: `TLS_CERT_DIR: ${error.message}` });
  };
  const good: Pair[] = [];
  let found: Found[] = [];
  try {
    const { pairs } = await readPairs(directory);
    found = [...pairs.values()];
    if (!pairs.has(defaultName)) problems.push(missingDefault(directory, defaultName, [...pairs.keys()]));
  } catch (error) {
    note(error);
  }
  for (const { files } of found) {
    try {
      if (files instanceof BadPair) throw files;
      good.push(check(files));
    } catch (error) {
      note(error);
    }
  }
  if (problems.length > 0) throw new ConfigurationError(problems);
  certificates.put(good);
  return found;
}

function missingDefault(directory: string, name: string, others: readonly string[]): Problem {
  const layouts = `${name}.crt with ${name}.key, or ${name}/fullchain.pem with ${name}/privkey.pem`;
  const accepted =
    others.length > 0
      ? `a certificate that is there: ${others.join(', ')}`
      : 'the name of a certificate in TLS_CERT_DIR';
  return {
    parameter: 'TLS_CERT_NAME',
    reason: 'missing',
    message: `TLS_CERT_NAME: ${directory} holds no certificate ${name} (${layouts}); accepted is ${accepted}`,
  };
}

async function openDevelopment(
  { parameters, log, metrics, clock }: CertificateStoreOptions,
  certificates: CertificateSet,
  check: (files: PairFiles) => Pair,
): Promise<Source> {
  const development = new DevelopmentStore(parameters.TLS_STATE_DIR, parameters.TLS_DEV_NAMES, (damaged) => {
    metrics.tls_state_damaged_total.inc({ kind: 'ca' });
    log.error(
      damaged,
      'a file of the development CA was set aside: clients must trust ca.crt anew. To keep the old CA, restore ca.crt and private/ca.pem together and restart',
    );
  });
  const ca = await development.ca();
  const file = development.leafFile;
  const load = async (): Promise<void> => {
    const { cert, key } = await development.leaf(ca, clock?.now());
    const pair = check({
      name: DEVELOPMENT,
      certFile: file,
      keyFile: file,
      cert: Buffer.from(cert),
      key: Buffer.from(key),
    });
    if (certificates.names.length > 0 && certificates.default.serial === pair.serial) return;
    certificates.put([pair]);
    log.info(
      {
        certificate: DEVELOPMENT,
        serial: pair.serial,
        not_after: new Date(pair.notAfter).toISOString(),
        names: parameters.TLS_DEV_NAMES,
      },
      'development certificate in use: trust ca.crt of TLS_STATE_DIR, or GET /ca.crt of the admin port',
    );
  };
  await load();
  const look = (): void => {
    certificates.warnOfExpired();
    load().catch((error: unknown) =>
      log.error({ err: error }, 'the development certificate could not be renewed: the one in use stays'),
    );
  };
  return { look, close: everyInterval(RENEWAL_CHECK, look, clock), ca: ca.cert };
}
