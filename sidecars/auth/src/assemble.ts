/** What the parts are, and how they hang together: the program without its port. */
import { join } from 'node:path';
import type { Logger } from '#kit/telemetry/log.ts';
import type { Metrics } from '#kit/telemetry/metrics.ts';
import type { Filter } from '#proxy/filters/filter.ts';
import { Answers } from './answers.ts';
import { authFilter } from './auth-filter.ts';
import { Authenticator } from './authenticate.ts';
import type { contract } from './contract.ts';
import { createCounts, type Counts } from './lib/counts.ts';
import { everyInterval, type WallClock } from '#kit/time/wall-clock.ts';
import { RateLimit } from '#kit/time/rate-limit.ts';
import { ApiKeys } from './methods/api-keys.ts';
import { Passwords } from './methods/basic.ts';
import { Bearer } from './methods/jwt.ts';
import { PasswordThread } from './methods/password-thread.ts';
import { ClaimsReader, COOKIE_ROOM } from './oidc/claims.ts';
import { Login } from './oidc/login.ts';
import { Logout } from './oidc/logout.ts';
import { Provider } from './oidc/provider.ts';
import { Refresh } from './oidc/refresh.ts';
import type { ClaimNames } from './oidc/token-verifier.ts';
import { Routes } from './routes.ts';
import { parseRules, Rules } from './rules/rules.ts';
import { Seal } from './lib/seal.ts';
import { secretsOf, type Parameters, type Settings } from './settings.ts';
import { Records } from './sessions/records.ts';
import { Revocations } from './sessions/revocations.ts';
import { Sessions } from './sessions/sessions.ts';
import { Tunnels } from './sessions/tunnels.ts';
import { readConfigured, WatchedFiles, type WatchedFile } from './watched-file.ts';

/** Milliseconds between looks for records that nobody can use any more. */
const SWEEP = 600_000;

export interface ComposeOptions {
  readonly parameters: Parameters;
  readonly settings: Settings;
  readonly log: Logger;
  readonly metrics: Metrics<typeof contract.metrics>;
  /** The program's file, which a thread for passwords is started from. */
  readonly program: URL;
  /** A test's seam. */
  readonly clock?: WallClock;
}

export interface Parts {
  readonly filter: Filter;
  /** Look at all files of configuration again. */
  readonly look: () => void;
  readonly close: () => void;
}

/** @throws {ConfigurationError} for files that cannot be used, and a provider that is another */
export async function compose(options: ComposeOptions): Promise<Parts> {
  const { parameters, settings, log, metrics, clock } = options;
  const { AUTH_COOKIE_NAME: cookieName, AUTH_PREFIX: prefix, AUTH_SESSION_LIFETIME: lifetime } = parameters;
  const { methods, trusted } = settings;
  const counts = createCounts(metrics);
  const files: WatchedFile[] = [];
  const watch = (parameter: keyof Parameters, secret: boolean, load: (text: string) => void): void => {
    const path = parameters[parameter];
    if (typeof path === 'string') files.push({ parameter, path, secret, load });
  };

  let rules = new Rules();
  watch('AUTH_RULES', false, (text) => (rules = parseRules(text)));
  const passwords = methods.has('basic') ? new Passwords(new PasswordThread(options.program)) : undefined;
  if (passwords) watch('AUTH_HTPASSWD_FILE', true, (text) => passwords.load(text));
  const apiKeys = methods.has('apikey') ? new ApiKeys() : undefined;
  if (apiKeys) watch('AUTH_API_KEYS_FILE', false, (text) => apiKeys.load(text));
  let seal: Seal | undefined;
  if (methods.has('oidc'))
    watch('AUTH_COOKIE_SECRET_FILE', true, (text) => {
      const secrets = secretsOf(text);
      if (seal === undefined) seal = new Seal(secrets);
      else seal.rotate(secrets);
    });
  const watched = new WatchedFiles(files, log);
  await watched.start();

  const revocations = await Revocations.open(parameters.AUTH_STATE_DIR, lifetime);
  if (revocations.damaged !== undefined) {
    metrics.auth_state_damaged_total.inc({ kind: 'revocations' });
    log.error(
      revocations.damaged,
      'the list of ended sessions is damaged and was set aside: all sessions of before are ended, users log in again',
    );
  }
  const tunnels = new Tunnels();
  const provider = await startProvider(options, counts);
  const oidc =
    provider && seal
      ? await composeOidc({ ...options, counts, provider, seal, revocations, tunnels, wanted: () => rules.groups })
      : undefined;
  const bearer =
    provider && methods.has('jwt')
      ? new Bearer({
          tokens: provider.tokens,
          audience: settings.provider!.audience,
          claimNames: claimNamesOf(parameters),
          revocations,
          clockSkew: parameters.AUTH_CLOCK_SKEW,
        })
      : undefined;
  const answers = new Answers({ methods, prefix, apiPaths: parameters.AUTH_API_PATHS ?? [] });
  const routes = new Routes({
    prefix,
    cookieName,
    answers,
    counts,
    log,
    logins: new RateLimit(parameters.AUTH_LOGIN_RATE),
    oidc,
  });
  const authenticator = new Authenticator({
    methods,
    cookieName,
    sessions: oidc?.sessions,
    refresh: oidc?.refresh,
    bearer,
    passwords,
    apiKeys,
    failures: new RateLimit(parameters.AUTH_LOGIN_RATE),
  });
  Object.assign(metrics.auth_sessions_open, {
    collect: () => metrics.auth_sessions_open.set(oidc?.sessions.open ?? 0),
  });
  const stopSweeping = everyInterval(SWEEP, () => void oidc?.sessions.sweep().catch(() => {}), clock);
  return {
    filter: authFilter({
      trusted,
      rules: () => rules,
      authenticator,
      answers,
      routes,
      counts,
      tunnels,
      revocations,
      cookieName,
      prefix,
      passAccessToken: parameters.AUTH_PASS_ACCESS_TOKEN,
      privateResponses: parameters.AUTH_PRIVATE_RESPONSES,
      lifetime,
    }),
    look: () => watched.look(),
    close() {
      stopSweeping();
      provider?.close();
      watched.close();
    },
  };
}

async function startProvider(
  { parameters, settings, log, metrics }: ComposeOptions,
  counts: Counts,
): Promise<Provider | undefined> {
  if (settings.provider === undefined) {
    // A provider that nobody has is not down.
    metrics.auth_provider_up.remove({});
    return undefined;
  }
  const read = async (parameter: string, path: string | undefined, secret: boolean): Promise<string | undefined> =>
    path === undefined ? undefined : (await readConfigured({ parameter, path, secret })).trim();
  const provider = new Provider({
    issuer: settings.provider.issuer,
    clientId: settings.provider.clientId,
    clientSecret: await read('OIDC_CLIENT_SECRET_FILE', parameters.OIDC_CLIENT_SECRET_FILE, true),
    ca: await read('OIDC_CA_FILE', parameters.OIDC_CA_FILE, false),
    connectTo: parameters.OIDC_CONNECT_TO,
    algorithms: parameters.OIDC_SIGNING_ALGS,
    clockSkew: parameters.AUTH_CLOCK_SKEW,
    log,
    counts,
    onUp: (up) => metrics.auth_provider_up.set(up ? 1 : 0),
  });
  await provider.start();
  return provider;
}

const claimNamesOf = (parameters: Parameters): ClaimNames => ({
  groups: parameters.OIDC_GROUPS_CLAIM,
  emailWithoutVerified: parameters.OIDC_EMAIL_WITHOUT_VERIFIED,
});

interface OidcOptions extends ComposeOptions {
  readonly counts: Counts;
  readonly provider: Provider;
  readonly seal: Seal;
  readonly revocations: Revocations;
  readonly tunnels: Tunnels;
  readonly wanted: () => ReadonlySet<string>;
}

async function composeOidc(options: OidcOptions) {
  const { parameters, settings, log, counts, provider, seal, revocations, tunnels, wanted } = options;
  const { clientId } = settings.provider!;
  const cookieName = parameters.AUTH_COOKIE_NAME;
  const store = parameters.AUTH_SESSION_STORE;
  const sessions = new Sessions({
    store,
    seal,
    records: await Records.open(join(parameters.AUTH_STATE_DIR, store === 'server' ? 'sessions' : 'refreshed'), seal),
    revocations,
    lifetimes: { lifetime: parameters.AUTH_SESSION_LIFETIME, idle: parameters.AUTH_SESSION_IDLE },
  });
  const claims = new ClaimsReader({
    provider,
    clientId,
    claimNames: claimNamesOf(parameters),
    wanted,
    room: store === 'server' ? Infinity : COOKIE_ROOM,
    passAccessToken: parameters.AUTH_PASS_ACCESS_TOKEN,
  });
  return {
    sessions,
    refresh: new Refresh({ provider, claims, sessions, counts, log, onEnd: () => tunnels.look() }),
    login: new Login({
      provider,
      claims,
      seal,
      counts,
      log,
      scope: parameters.OIDC_SCOPE,
      prefix: parameters.AUTH_PREFIX,
      cookieName,
      timeout: parameters.AUTH_LOGIN_TIMEOUT,
    }),
    logout: new Logout({ provider, sessions, revocations, tunnels, counts, log, clientId, cookieName }),
  };
}
