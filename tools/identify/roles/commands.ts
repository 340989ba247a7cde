/** What a command line says about what a container does. */
import type { Role } from '../model/answer.ts';

export interface CommandRule {
  readonly role: Role;
  readonly pattern: RegExp;
  readonly weight: number;
  readonly says: string;
  /** Only for containers that run first and end, or only for those that go on. */
  readonly only?: 'init' | 'lasting';
}

const rule = (role: Role, weight: number, pattern: RegExp, says: string, only?: 'init' | 'lasting'): CommandRule => ({
  role,
  weight,
  pattern,
  says,
  ...(only && { only }),
});

/** A word of a command line: not in the middle of another. */
const word = (words: string): RegExp => new RegExp(String.raw`(?<![\w-])(?:${words})(?![\w-])`, 'i');

export const COMMANDS: readonly CommandRule[] = [
  // Meshes and networks.
  rule(
    'mesh-proxy',
    0.8,
    /(?<![\w-])(pilot-agent|\.?\/?daprd|consul connect (envoy|proxy)|kuma-dp run|consul-dataplane|linkerd2-proxy)(?![\w])|proxy\s+sidecar\s+--/i,
    'runs the proxy of a mesh',
  ),
  rule(
    'init-network',
    0.85,
    word('iptables(-legacy|-restore|-nft)?|ip6tables|istio-iptables|nft|redirect-traffic'),
    'rewrites the network rules',
    'init',
  ),
  rule('init-network', 0.5, word('ip (route|rule|link|addr)|route add'), 'changes routes or addresses', 'init'),

  // Proxies.
  rule(
    'auth',
    0.5,
    /--(oidc-issuer-url|client-secret(-file)?|cookie-secret(-file)?|email-domain|oauth2?-[\w-]+|openshift-(sar|service-account|delegate-urls)|authenticated-emails-file|discovery-url|whitelisted-redirect|htpasswd-file|basic-auth)\b/i,
    'is given what a login needs',
  ),
  rule(
    'tls',
    0.55,
    /--(tls-cert(-file)?|cert(-file)?|https-address|keystore|tls-private-key-file)[= ].{0,200}(--(upstream|target|backend|proxy-to)|localhost|127\.0\.0\.1)/is,
    'is given a certificate and what is behind it',
  ),
  rule(
    'db-proxy',
    0.8,
    /(cloud[_-]?sql[_-]?proxy|alloydb-auth-proxy)|-instances=[\w-]+:[\w-]+:|--(private-ip|auto-iam-authn)\b/i,
    "is a database's authenticating proxy",
  ),
  rule(
    'db-proxy',
    0.7,
    word('pgbouncer|pgpool|proxysql|mysqlrouter|nutcracker|odyssey'),
    'pools or routes database connections',
  ),
  rule('ambassador', 0.8, word('kubectl proxy'), "speaks to the cluster's API for its neighbours"),
  rule('proxy', 0.5, /(?<![\w-])socat\b.{0,200}(TCP|UNIX)/i, 'relays connections'),
  rule(
    'vpn',
    0.7,
    word('openvpn|wg-quick up|tailscaled?|wireguard|openconnect|zerotier-one'),
    'opens a private network',
  ),

  rule('engine', 0.7, word('dockerd|buildkitd|podman system service'), 'is a container engine', 'lasting'),

  // Logs.
  rule(
    'log-shipper',
    0.85,
    /(?<![\w-])tail\s+(-{1,2}[\w=+-]+\s+|\+?\d+\s+)*-{0,2}\S*(?:-[a-z]*[fF]|--follow(=name)?|--retry)\S*\s+[^|;&]{0,200}(\/|\.log|\$)/i,
    'follows a file',
    'lasting',
  ),
  rule('log-shipper', 0.85, /(?<![\w-])tail\s+[^|;&]{0,200}-[a-zA-Z0-9]*[fF]\b/, 'follows a file', 'lasting'),
  rule(
    'log-shipper',
    0.75,
    /xtail|multitail|(while|do)\b[^|]{0,200}(?<![\w-])cat\s+\S*(\.log|logs?\/)/i,
    "reads another's log again and again",
    'lasting',
  ),
  rule(
    'log-shipper',
    0.7,
    word('filebeat|fluent-bit|fluentd|promtail|rsyslogd|syslog-ng|vector'),
    'is a log shipper',
    'lasting',
  ),

  // Metrics and agents.
  rule(
    'metrics',
    0.6,
    /--?(redis\.addr|nginx\.scrape-uri|mongodb\.uri|collector\.[\w.-]+|web\.(telemetry-path|listen-address)|scrape[_-]uri|phpfpm\.\w+|memcached\.address|kafka\.server|statsd\.[\w-]+)\b/i,
    "is given what an exporter's scrape needs",
  ),
  rule(
    'metrics',
    0.7,
    /(?<![\w-])(\.?\/?(?:usr\/\w*\/?bin\/)?[\w-]+[-_]exporter)(?![\w])/i,
    'runs an exporter',
    'lasting',
  ),
  rule(
    'metrics',
    0.5,
    /(?:localhost|127\.0\.0\.1):\d+\/(?:[\w-]+\/)*(?:stats|metrics|\w*_?status|server-status)\b/i,
    'asks its neighbour for its metrics',
    'lasting',
  ),
  rule(
    'agent',
    0.8,
    /(?<![\w-])(?:\/bin\/)?thanos\s+sidecar|^sidecar\s+.{0,200}--(prometheus\.url|tsdb\.path|objstore)/i,
    'is the sidecar of a Prometheus server',
  ),
  rule(
    'agent',
    0.5,
    word('otelcol(-contrib)?|jaeger-agent|xray -[tb]|datadog-agent|telegraf|vmagent'),
    'is an agent for telemetry',
    'lasting',
  ),

  // Configuration, secrets, certificates.
  rule(
    'config',
    0.8,
    /--?(reload-url|webhook-url|watched-dir|volume-dir(-archive)?|config-?file=.{0,200}--(cfg|config-)\w*output|reload-(path|cmd|signal))\b/i,
    'reloads its neighbour when files change',
    'lasting',
  ),
  rule(
    'config',
    0.75,
    word('inotifywait|consul-template|confd|fswatch|configmap-reload|inotifyd'),
    'watches files or renders them',
    'lasting',
  ),
  rule(
    'config',
    0.6,
    /(?<![\w-])(?:\S*\/)?[\w-]*reload(?:er)?(?![\w.-])|(?:while|until|for)\b.{0,400}\bkill\s+-(?:s\s+)?(?:SIG)?(?:HUP|USR[12])\b|--?watch(?:ed)?(?:-(?:dir|path|file))?[= ]\/.{0,200}--?pid-?file/is,
    'reloads its neighbour when files change',
    'lasting',
  ),
  rule(
    'config',
    0.6,
    word('envsubst|gomplate|jsonnet|consul-template|confd|jinja2|j2|esh|dockerize -template'),
    'renders configuration',
    'init',
  ),
  rule(
    'config',
    0.55,
    /(cp|cat|sed|echo|tee|awk|printf|ln|mv|>)\b[^;&|]{0,200}(\.(conf|cfg|ya?ml|json|toml|ini|properties|cnf|xml)|\/(conf|config|configmap|config-map|etc)(\.d|\/|\s|$))/i,
    'writes configuration',
    'init',
  ),
  rule(
    'secrets',
    0.85,
    /(?<![\w-])vault["',\s]+agent(?![\w-])|vault-agent|VAULT_AGENT|berglas exec|secretless-broker/i,
    'fetches secrets',
  ),
  rule(
    'secrets',
    0.6,
    /aws secretsmanager get-secret|gcloud secrets versions|vault (kv get|read|login)|az keyvault secret|sops (-d|--decrypt)/i,
    'fetches secrets',
  ),
  rule('certs', 0.85, word('certbot|acme\\.sh|lego|dehydrated|certs?-renew'), 'obtains certificates'),
  rule(
    'certs',
    0.8,
    /(?<![\w-])(openssl\s+(req|x509|genrsa|ecparam|genpkey|pkcs12)|cfssl|keytool\s+-(genkey|import)|step\s+ca\s+|mkcert|certutil|elasticsearch-certutil|minica|cockroach\s+cert|easyrsa)/i,
    'makes certificates',
  ),

  // Content, backups, schedules.
  rule(
    'git-sync',
    0.85,
    /(?<![\w-])git(\s+-[\w=/.-]+(\s+\/\S+)?)*\s+(clone|pull|fetch|sync|submodule|ls-remote)(?![\w-])/i,
    'gets content from git',
  ),
  rule(
    'content',
    0.6,
    /(?<![\w-])(aws\s+s3\s+(sync|cp)|gsutil\s+(-m\s+)?(rsync|cp)|gcloud\s+storage\s+(cp|rsync)|rclone\s+(sync|copy|mount)|rsync\s+-|mc\s+(mirror|cp)|s3fs|azcopy|huggingface-cli\s+download|lsyncd)/i,
    'copies content from elsewhere',
  ),
  rule(
    'content',
    0.5,
    /(?<![\w-])(wget|curl)\b[^;&|]{0,200}(-[oOP]|--output|--directory-prefix|>)\s*\S*\//i,
    'downloads content',
  ),
  rule(
    'content',
    0.55,
    /(while|for)\b.{0,200}(echo|date|printf|cat)\b.{0,200}>>?\s*\S*(html|www|htdocs|content|share|index|\/data\/|\/pod-data|\/srv)/is,
    'writes content again and again',
    'lasting',
  ),
  rule(
    'content',
    0.5,
    /(echo|date|printf|cat)\b.{0,200}>>?\s*\S*(\.html|\/www|htdocs|\/html|pod-data|\/content)/is,
    'writes content',
  ),
  rule(
    'backup',
    0.85,
    word(
      'pg_dump(all)?|mysqldump|mariadb-dump|mongodump|xtrabackup|mariabackup|restic|borg(matic)?|wal-[ge]|litestream|pgbackrest|barman|duplicity|etcdctl snapshot save|pg_basebackup|redis-cli --rdb|influxd? backup',
    ),
    'makes backups',
    'lasting',
  ),
  rule('backup', 0.6, /(?<![\w-])tar\s+-?c\w*\s[^;&|]{0,200}backup/i, 'makes archives', 'lasting'),
  rule(
    'cron',
    0.75,
    /(?<![\w-])(crond?|busybox crond|supercronic|go-cron|crontab|dcron)(?![\w-])|\/cron\.(sh|php)|cron\.php|artisan schedule:(run|work)|wp cron|logrotate|\/cron(d|tab)?(\s|$)|(?<![\w-])(runcrons|clockwork|whenever|celery\s.{0,200}\sbeat)(?![\w-])|(?<![\w-])cron\s+-f\b/i,
    'runs work on a schedule',
    'lasting',
  ),
  rule(
    'cron',
    0.45,
    /while\s+(true|:|\[\s*1|sleep)\b.{0,200}sleep\s+(\d{3,}|\d+[hmd]|\$)/is,
    'repeats work after a pause',
    'lasting',
  ),

  // Health and cluster parts.
  rule(
    'health',
    0.85,
    /redis-sentinel|--sentinel(?![\w-])|sentinel\.conf|haproxy-check|split-?brain|liveness-?probe|--csi-address=.{0,200}--(probe-timeout|health-port)|--(health|probe)-(port|interval|timeout)\b|healthcheck\.(sh|py)/i,
    "watches its neighbour's health",
    'lasting',
  ),
  rule(
    'controller',
    0.8,
    /--(csi-address|kubelet-registration-path)\b|pod_nanny|--election=/i,
    'speaks to the cluster for its neighbour',
    'lasting',
  ),
  // As every operator does.
  rule('controller', 0.3, /--leader-elect(ion(-namespace|-type)?)?\b/i, 'elects a leader', 'lasting'),
  rule(
    'debug',
    0.75,
    word('tcpdump|tshark|strace|gdb(server)?|dlv|perf (record|top)|mitmdump|mitmweb|bpftrace'),
    'looks into its neighbours',
    'lasting',
  ),

  // Before the application.
  rule(
    'migration',
    0.85,
    /(?<![\w-])(migrate(:\w+)?(?![\w-]*\.(html|md))|flyway|liquibase|alembic\s+upgrade|(db|database)[:\s-](migrate|prepare|setup|upgrade|schema:load)|prisma\s+(migrate|db)|knex\s+migrate|sequelize\s+db|typeorm\s+migration|goose\s+up|dbmate|dotnet\s+ef|upgrade\s+head|migration:(run|up)|doctrine:migrations|run-migrations?|migrations?:migrate|mix\s+ecto|aerich\s+upgrade|drizzle-kit)(?![\w])/i,
    'migrates a database',
    'init',
  ),
  rule('migration', 0.5, /\bmigrat(e|ion|ions|or)\b/i, 'speaks of migration', 'init'),
  rule(
    'wait',
    0.85,
    /wait-for|wait_for|waitfor|wait4x|dockerize\s+.{0,200}-wait|pg_isready|(until|while)\s*!?\s*[^;]{0,200}(nc|nslookup|curl|wget|ping|redis-cli|mysqladmin|mysql|psql|mongosh?|dig|getent|host|kubectl|nmap|telnet|test|\[\s|timeout|etcdctl|pg_isready|cqlsh|rabbitmq\S*|grpcurl|openssl|echo|ls)\b.{0,200}(sleep|do\b)|check-migrations|kubectl\s+wait|nc\s+-z/is,
    'waits for something',
    'init',
  ),
  rule('wait', 0.5, /^(\S*sh\s+-\w*c\s+)?["']?sleep\s+\d+["']?\s*$/i, 'waits a while', 'init'),
];
