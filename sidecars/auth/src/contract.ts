/** The auth sidecar's contract: what it takes, serves, counts and answers with. */
import { defineContract } from '#kit/contract/contract.ts';
import { tracingParameters } from '#kit/tracing/parameters.ts';
import { accessLines, accessLogParameters } from '#proxy/filters/access-log.ts';
import { applicationParameters, DAY, frontParameters } from '#proxy/front-parameters.ts';
import { refusalMetrics } from '#proxy/refusals.ts';
import { spanMetrics } from '#proxy/tracing/metrics.ts';
import { alerts } from './alerts.ts';

const METHODS = ['oidc', 'jwt', 'basic', 'apikey'] as const;
const ALGORITHMS = /^(?:RS|PS|ES)(?:256|384|512)$|^(?:EdDSA|Ed25519)$/;

export const contract = defineContract({
  name: 'auth',
  version: '2.7.1',
  description: 'Login for a legacy service that has none: OpenID Connect, bearer tokens, passwords and API keys.',
  prefixes: ['AUTH_', 'OIDC_', 'PROXY_'],
  accessLines,
  adminPort: '9904',
  deploy: {
    // AUTH_MAX_CONNECTIONS of some 20 KB each, sessions that are remembered, and what it takes without any.
    memory: '384m',
    volumes: { state: '/var/lib/auth' },
    appPort: 'PROXY_PORT',
  },
  parameters: {
    ...applicationParameters,

    AUTH_METHODS: {
      type: 'list',
      required: true,
      pattern: new RegExp(`^(?:${METHODS.join('|')})$`),
      accepts: `a comma-separated list of ${METHODS.join(', ')}`,
      description: 'How a client may show who it is',
    },
    AUTH_LISTEN_ADDRESS: {
      type: 'string',
      default: '0.0.0.0',
      pattern: /^[0-9a-fA-F.:]+$/,
      accepts: 'an IP address',
      description: 'Address to listen on; 127.0.0.1 behind the tls sidecar of the same pod',
    },
    AUTH_LISTEN_PORT: { type: 'port', default: '4180', description: 'Port for clients: HTTP/1.1' },
    AUTH_PREFIX: {
      type: 'string',
      default: '/oauth2',
      pattern: /^(?:\/[A-Za-z0-9_-]+)+$/,
      accepts: 'a path such as /oauth2',
      description: 'Where the routes of the sidecar begin',
    },
    AUTH_STATE_DIR: {
      type: 'path',
      default: '/var/lib/auth',
      description:
        'Where ended sessions, refreshed sessions and, with AUTH_SESSION_STORE=server, all sessions are kept',
    },

    OIDC_ISSUER: {
      type: 'url',
      description: 'The provider, exactly as its discovery document names it; required by oidc and jwt',
    },
    OIDC_CLIENT_ID: { type: 'string', description: 'The client that the provider knows; required by oidc' },
    OIDC_CLIENT_SECRET_FILE: {
      type: 'path',
      description: "File with the client's secret; absent for a public client, which PKCE alone protects",
    },
    OIDC_SCOPE: { type: 'string', default: 'openid email profile', description: 'Scopes that are asked for' },
    OIDC_GROUPS_CLAIM: { type: 'string', default: 'groups', description: 'Claim that lists groups' },
    OIDC_EMAIL_WITHOUT_VERIFIED: {
      type: 'boolean',
      default: 'false',
      description:
        'Pass on an e-mail address of which the provider does not say (email_verified) whether it is verified; one that it calls unverified is never passed on',
    },
    OIDC_AUDIENCE: { type: 'string', description: 'Audience of bearer tokens; OIDC_CLIENT_ID where absent' },
    OIDC_SIGNING_ALGS: {
      type: 'list',
      default: 'RS256,PS256,ES256,EdDSA',
      pattern: ALGORITHMS,
      accepts: 'a comma-separated list of asymmetric JWS algorithms such as RS256, PS256, ES256, EdDSA',
      description: 'Algorithms that tokens may be signed with',
    },
    OIDC_CA_FILE: {
      type: 'path',
      description: 'Authorities in PEM that the provider is verified with, in place of the public ones',
    },
    OIDC_CONNECT_TO: {
      type: 'string',
      pattern: /^(?:\[[0-9a-fA-F:]+\]|[\w.-]+):\d{1,5}$/,
      accepts: 'HOST:PORT',
      description:
        "Where the sidecar's own connections to the provider go; OIDC_ISSUER stays what browsers are sent to",
    },

    AUTH_COOKIE_NAME: {
      type: 'string',
      default: '__Host-session',
      pattern: /^[\w-]{1,64}$/,
      accepts: 'letters, digits, _ and -',
      description: 'Name of the session cookie; with __Host- browsers take it over HTTPS only',
    },
    AUTH_COOKIE_SECRET_FILE: {
      type: 'path',
      description:
        'File of secrets that seal cookies, one a line of 32 characters or more: the first seals, all open; watched; required by oidc',
    },
    AUTH_SESSION_STORE: {
      type: 'enum',
      values: ['cookie', 'server'],
      default: 'cookie',
      description: 'Where a session is: sealed in its cookie, or in AUTH_STATE_DIR',
    },
    AUTH_SESSION_LIFETIME: {
      type: 'duration',
      unit: 's',
      default: '12h',
      min: 1000,
      max: 365 * DAY,
      description: 'How long a session lasts after its login',
    },
    AUTH_SESSION_IDLE: {
      type: 'duration',
      unit: 's',
      default: '1h',
      min: 1000,
      max: 365 * DAY,
      description: 'How long a session lasts after its last request',
    },
    AUTH_LOGIN_TIMEOUT: {
      type: 'duration',
      unit: 's',
      default: '15m',
      min: 1000,
      max: DAY,
      description: 'How long a login may take',
    },
    AUTH_RULES: {
      type: 'path',
      description: 'YAML file of rules: who may do what, by path, method and groups; watched',
    },
    AUTH_API_PATHS: {
      type: 'list',
      pattern: /^\/\S{0,1023}$/,
      accepts: 'a comma-separated list of paths, * matches within a segment, ** across them',
      description: 'Paths that answer 401 with JSON, never a redirect to a login',
    },
    AUTH_PASS_ACCESS_TOKEN: {
      type: 'boolean',
      default: 'false',
      description: 'Give the application the access token, as X-Forwarded-Access-Token',
    },
    AUTH_PRIVATE_RESPONSES: {
      type: 'boolean',
      default: 'true',
      description:
        'Mark responses to those who are signed in Cache-Control: private, whatever the application says; false leaves what it says',
    },
    AUTH_HTPASSWD_FILE: {
      type: 'path',
      description: 'Users of basic, as htpasswd -B writes them, with groups after a further colon; watched',
    },
    AUTH_API_KEYS_FILE: {
      type: 'path',
      description: 'Keys of apikey: NAME:SHA-256 in hexadecimal, with groups after a further colon; watched',
    },
    AUTH_TRUSTED_PROXIES: {
      type: 'list',
      pattern: /^[0-9a-fA-F.:]+(?:\/\d{1,3})?$/,
      accepts: 'a comma-separated list of IP addresses and networks',
      description: 'Who may say by X-Forwarded-* who called; 127.0.0.1 behind the tls sidecar of the same pod',
    },
    AUTH_CLOCK_SKEW: {
      type: 'duration',
      unit: 's',
      default: '60s',
      max: 600_000,
      description: "How far the provider's clock may be off",
    },
    AUTH_LOGIN_RATE: {
      type: 'string',
      default: '10/min',
      pattern: /^[1-9]\d{0,4}\/(?:s|min|h)$/,
      accepts: 'a rate such as 10/min, 1/s or 100/h',
      description: 'Logins that one client address may begin, and failed passwords and keys; more get 429',
    },

    ...frontParameters('AUTH_', { maxConnections: '10000', maxHeaderSize: '32KiB' }),
    ...accessLogParameters,
    ...tracingParameters,
  },
  ports: { http: { parameter: 'AUTH_LISTEN_PORT', description: 'HTTP/1.1, for clients or for the tls sidecar' } },
  paths: {
    OIDC_CLIENT_SECRET_FILE: 'read once; others must not be able to read it',
    AUTH_COOKIE_SECRET_FILE: 'read and watched; others must not be able to read it',
    AUTH_HTPASSWD_FILE: 'read and watched; others must not be able to read it',
    AUTH_API_KEYS_FILE: 'read and watched; no secret, since nothing leads from a hash to a long random key',
    AUTH_RULES: 'read and watched',
    OIDC_CA_FILE: 'read once',
    AUTH_STATE_DIR: 'ended and refreshed sessions, which a restart must not lose: a volume',
  },
  signals: { SIGHUP: 'looks at secrets, users, keys and rules at once' },
  alerts,
  metrics: {
    auth_requests_total: {
      type: 'counter',
      help: 'Requests by how the client showed who it is, and what became of them',
      bad: 'a sudden rise of refused ones: guessing, or a client whose credentials ended',
      labels: ['method', 'result'],
    },
    auth_logins_total: {
      type: 'counter',
      help: 'Logins by OpenID Connect',
      bad: 'results other than ok and begun for more than half of the logins',
      labels: ['result'],
    },
    auth_refreshes_total: {
      type: 'counter',
      help: 'Uses of refresh tokens',
      bad: 'results other than ok: users are sent to log in again',
      labels: ['result'],
    },
    auth_logouts_total: {
      type: 'counter',
      help: 'Sessions ended on request',
      bad: 'nothing by itself',
      labels: ['kind'],
    },
    auth_jwks_fetches_total: {
      type: 'counter',
      help: "Fetches of the provider's keys",
      bad: 'results other than ok: new keys of the provider are not known',
      labels: ['result'],
    },
    auth_sessions_open: {
      type: 'gauge',
      help: 'Sessions that could be used now; in cookie mode those seen since the start',
      bad: 'a sudden fall: sessions were lost',
    },
    auth_provider_up: {
      type: 'gauge',
      help: '1 while the provider answers; nothing without one',
      bad: '0: nobody can log in',
    },
    auth_state_damaged_total: {
      type: 'counter',
      help: 'Files of AUTH_STATE_DIR that could not be read at a start and were set aside',
      bad: 'any: sessions or secrets were lost',
      labels: ['kind'],
      known: { kind: ['revocations'] },
    },
    auth_rejected_total: {
      type: 'counter',
      help: 'Credentials and requests that were refused',
      bad: 'a sudden rise of one reason',
      labels: ['reason'],
    },
    auth_connections_open: { type: 'gauge', help: 'Client connections open now', bad: 'near AUTH_MAX_CONNECTIONS' },
    auth_request_duration_seconds: {
      type: 'histogram',
      help: 'From the head of a request to the end of its response, in seconds; code is the status class, or none; route the path of the rule that it fits',
      bad: 'p99 much above that of the application; codes 5xx and none',
      labels: ['method', 'code', 'route'],
    },
    ...refusalMetrics('auth'),
    ...spanMetrics('auth'),
    auth_app_up: { type: 'gauge', help: '1 while the application accepts connections', bad: '0' },
    auth_internal_errors_total: {
      type: 'counter',
      help: 'Exceptions that ended a request or a connection: defects',
      bad: 'any: a defect',
    },
  },
});
