/** What environment, mounts, names and neighbours say about what a container does. */
import type { Role } from '../model/answer.ts';

export interface EnvRule {
  readonly role: Role;
  /** Matched against a variable's name. */
  readonly pattern: RegExp;
  readonly weight: number;
  /** Applications have such a variable, too: it counts only where something else says the same role. */
  readonly leans?: true;
}

export const ENVIRONMENT: readonly EnvRule[] = [
  {
    role: 'vpn',
    weight: 0.7,
    pattern:
      /^(VPN_(SERVICE_PROVIDER|TYPE|USER|PROVIDER|ENABLED)|OPENVPN_(USER|PROVIDER|CONFIG|PASSWORD)|WIREGUARD_(PRIVATE_KEY|ADDRESSES|CONF)|TS_(AUTHKEY|AUTH_KEY|HOSTNAME|STATE_DIR|USERSPACE|KUBE_SECRET)|TAILSCALE_\w+|NORDVPN_\w+|PIA_(USER|PASS))$/,
  },
  { role: 'auth', weight: 0.85, pattern: /^OAUTH2_PROXY_/ },
  { role: 'git-sync', weight: 0.8, pattern: /^(GIT_?SYNC_\w+)$/ },
  {
    role: 'backup',
    weight: 0.6,
    leans: true,
    pattern: /^BACKUP_(CRON\w*|FILENAME|RETENTION\w*|NAME|DIR|SCHEDULE|INTERVAL|KEEP\w*|SOURCES)$/,
  },
  {
    role: 'backup',
    weight: 0.7,
    pattern: /^(RESTIC_(REPOSITORY|PASSWORD)\w*|BORG_\w+|PGBACKREST_\w+|DB_DUMP_\w+|LITESTREAM_\w+|WALG_\w+)$/,
  },
  {
    role: 'metrics',
    weight: 0.5,
    leans: true,
    pattern:
      /^(DATA_SOURCE_(NAME|URI|USER|PASS\w*)|REDIS_EXPORTER_\w+|PG_EXPORTER_\w+|SCRAPE_URI|MONGODB_URI_EXPORTER|PHP_FPM_SCRAPE_URI)$/,
  },
  { role: 'config', weight: 0.6, pattern: /^(REQ_URL|REQ_METHOD|LABEL_VALUE|FOLDER_ANNOTATION|RESOURCE|CONFD_\w+)$/ },
  {
    role: 'secrets',
    weight: 0.45,
    leans: true,
    pattern: /^(VAULT_(ROLE|AGENT\w*|AUTH\w*|LOGIN_ROLE)|CONJUR_\w+|INFISICAL_\w+|DOPPLER_TOKEN)$/,
  },
  {
    role: 'agent',
    weight: 0.4,
    leans: true,
    pattern:
      /^(DD_(API_KEY|APM_ENABLED|SITE|DOGSTATSD_\w+)|NRIA_\w+|NEW_RELIC_AGENT\w*|ECS_FARGATE|COLLECTOR_ZIPKIN\w*|OTEL_CONFIG\w*)$/,
  },
  {
    role: 'certs',
    weight: 0.5,
    leans: true,
    pattern: /^(ACME_\w+|CERTBOT_\w+|LETSENCRYPT_(EMAIL|DOMAIN)|DEFAULT_EMAIL|SSL_SUBJECT|CF_DNS_API_TOKEN)$/,
  },
  { role: 'health', weight: 0.6, leans: true, pattern: /^(REDIS_)?SENTINEL(_\w+)?$/ },
  {
    role: 'log-shipper',
    weight: 0.5,
    leans: true,
    pattern:
      /^(FLUENT(D|BIT)_\w+|FILEBEAT_(?!\w*(?:PASSWORD|USER)$)\w+|SPLUNK_(FORWARD\w*|HEC\w*)|LOGSPOUT|SYSLOG_\w+|LOKI_URL)$/,
  },
];

/** Names that say so, by the role they name. A name counts little, and never alone. */
export const NAMES: readonly (readonly [Role, RegExp])[] = [
  ['mesh-proxy', /(^|-)(istio-proxy|linkerd-proxy|daprd?|envoy-sidecar|consul-dataplane)$/],
  ['auth', /(^|[-_])(oauth2?|oidc|auth|rbac|authz|authn|opa)([-_]?(proxy|sidecar))?$|kube-rbac-proxy/],
  ['tls', /(^|[-_])(tls|ssl|https|stunnel|ghostunnel)([-_](proxy|terminator|sidecar|termination))?$/],
  ['db-proxy', /(sql|db|database|pg|mysql|postgres)[-_]?(auth[-_])?(proxy|bouncer|pool)|cloud-?sql/],
  ['vpn', /(^|[-_])(vpn|gluetun|tailscale|wireguard|wg|openvpn|nordvpn|netbird)([-_]|$)/],
  ['log-shipper', /(^|[-_])(log|logs|logger|logging|fluent\w*|filebeat|promtail|tail(er)?|count-log)([-_]|\d|$)/],
  ['metrics', /(^|[-_])(exporter|metrics?|monitor(ing)?|prometheus|statsd|telegraf)([-_]|\d|$)/],
  ['agent', /(^|[-_])(agent|otel\w*|collector|xray|datadog|jaeger|newrelic|apm|tracing)([-_]|\d|$)/],
  ['config', /(^|[-_])(config\w*|reload(er)?|conf|template|render(er)?|watcher|sc-\w+)([-_]|\d|$)/],
  ['secrets', /(^|[-_])(vault|secrets?|credentials?)([-_]|\d|$)/],
  ['certs', /(^|[-_])(certs?|certbot|acme|certificates?|letsencrypt|lego|pki)([-_]|\d|$)/],
  ['git-sync', /(^|[-_])(git|gitsync)([-_]|\d|$)/],
  ['content', /(^|[-_])(content|sync(er)?|download(er)?|fetch(er)?|puller|rsync|s3)([-_]|\d|$)/],
  ['backup', /(^|[-_])(back-?ups?|dump|restic|borg|snapshot(s)?|archive(r)?|xtrabackup|wal)([-_]|\d|$)/],
  ['cron', /(^|[-_])(cron(tab|job)?|scheduler?|ofelia|logrotate|rotate)([-_]|\d|$)/],
  ['health', /(^|[-_])(health\w*|liveness|probe|watchdog|sentinel|keepalived?)([-_]|\d|$)/],
  [
    'controller',
    /(^|[-_])(registrar|driver-registrar|attacher|provisioner|resizer|snapshotter|nanny|leader)([-_]|\d|$)/,
  ],
  ['debug', /(^|[-_])(debug(ger)?|netshoot|shell|tcpdump|toolbox|tools)([-_]|\d|$)/],
  ['ambassador', /(^|[-_])(ambassador|kubectl-proxy)([-_]|\d|$)/],
  ['cache', /(^|[-_])(cache|memcached?|varnish)([-_]|\d|$)/],
  ['init-network', /(istio|linkerd|proxy|mesh|net|network)-init|iptables/],
  ['migration', /migrat|(^|-)(db|database|schema)-(init|setup|upgrade|prepare)/],
  ['wait', /(^|[-_])(wait\w*|check-(db|database|redis|postgres)\w*|ready-check)([-_]|\d|$)/],
  ['proxy', /(^|[-_])(proxy|nginx|envoy|haproxy|gateway|rout(er|ing))([-_]|\d|$)/],
  ['unknown', /side-?car|helper|companion|adapter/],
];
export const NAME_WEIGHT = 0.3;

/** Folders where programs keep logs. */
export const LOG_PATH = /(^|[/_-])(logs?|logging|applog|varlog)([/_\d-]|$)/i;
/** Names under which applications go. */
export const APP_NAME =
  /^(app|main|application|server|web|web-?app|api|my-?app|main-app|main-?container|backend|service|hello\w*|example\w*)([-_]?(container|server|app|service|\d+))?$/;
