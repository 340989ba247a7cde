/**
 * Programs that are known to stand beside others, by the name of their image. The weight says how
 * often a container of that image is a helper: `nginx` mostly is the application itself,
 * `oauth2-proxy` hardly ever.
 */
import type { Role } from '../model/answer.ts';

export interface ImageRule {
  readonly role: Role;
  /** Matched against the repository without registry and tag, in lower case: `istio/proxyv2`. */
  readonly pattern: RegExp;
  readonly weight: number;
  /** Matched against the image as written, where the tag says what the program is. */
  readonly tag?: RegExp;
}

const rule = (role: Role, weight: number, pattern: RegExp): ImageRule => ({ role, weight, pattern });

/** The last part of a repository is one of these words, perhaps with more after a dash. */
const named = (words: string): RegExp => new RegExp(String.raw`(?:^|/)(?:${words})$`);
const begins = (words: string): RegExp => new RegExp(String.raw`(?:^|/)(?:${words})(?:[-_.][\w.-]*)?$`);
/** One of these words stands anywhere in the last part, between separators. */
const holds = (words: string): RegExp => new RegExp(String.raw`(?:^|[/_.-])(?:${words})(?:[_.-][^/]*)?$`);

export const IMAGES: readonly ImageRule[] = [
  // Meshes.
  rule(
    'mesh-proxy',
    0.85,
    /(^|\/)(proxyv2(-\w+)?|linkerd2?-proxy|daprd?(-\w+)?|consul-dataplane|kuma-dp|aws-appmesh-envoy|cilium-envoy)$|linkerd(-io|2)?\/proxy$|^daprio\//,
  ),
  rule('mesh-proxy', 0.5, named('consul-envoy|osm-sidecar|pilot-agent|envoy-consul|consul-sidecar')),
  rule(
    'init-network',
    0.9,
    named(
      'istio-init|proxy-init|linkerd2?-proxy-init|kuma-init|consul-k8s-init|itables|iptables|aws-appmesh-proxy-route-manager|init-iptables|linkerd-init|osm-init',
    ),
  ),

  // Authentication and TLS.
  rule(
    'auth',
    0.85,
    named(
      'kube-rbac-proxy|oauth2?[-_]proxy|openshift-oauth-proxy|ose-oauth-proxy|origin-oauth-proxy|keycloak-gatekeeper|keycloak-proxy|gatekeeper-proxy|louketo-proxy|gogatekeeper|authservice|opa-envoy-plugin|opa-istio|vouch-proxy|traefik-forward-auth|aws-sigv4-proxy|ext-authz|oidc-proxy|oidc-authservice|saml-proxy|auth-proxy|authproxy|basic-auth-proxy|iap-proxy|kube-oidc-proxy|prom-authzed-proxy|observatorium-api-auth|azwi-proxy|azure-workload-identity-proxy|aad-proxy|oathkeeper|envoy-authz|kube-auth-proxy',
    ),
  ),
  rule('auth', 0.6, named('opa|open-policy-agent|cerbos|authelia|pomerium|spicedb-proxy|auth-sidecar|hydra-maester')),
  rule(
    'tls',
    0.8,
    named(
      'ghostunnel|stunnel4?|hitch|ssl-proxy|tls-proxy|https-proxy|ssl-terminator|tls-terminator|tls-sidecar|nginx-ssl(-\\w+)?|ssl-termination|https-portal|nginx-tls|docker-stunnel|stunnel-proxy|tls-term',
    ),
  ),

  // Container engines.
  rule('engine', 0.8, begins('dind|docker-dind|buildkit|buildkitd')),
  { ...rule('engine', 0.8, named('docker')), tag: /:[^/]*dind/ },

  rule('tls', 0.85, /(^|\/)sidecar-stacks\/tls$/),
  rule('agent', 0.8, /(^|\/)sidecar-stacks\/topz$/),
  rule('mesh-proxy', 0.85, /(^|\/)sidecar-stacks\/mesh-proxy$/),

  // Databases' proxies.
  rule(
    'db-proxy',
    0.9,
    named(
      'cloud-?sql-proxy|gce-proxy|cloudsql-docker|cloud_sql_proxy|cloudsqlproxy|alloydb-auth-proxy|cloud-sql-connectors',
    ),
  ),
  rule(
    'db-proxy',
    0.6,
    named(
      'pgbouncer(-\\w+)?|pgpool(-ii|2)?|proxysql|mysql-router|mysqlrouter|odyssey|maxscale|twemproxy|nutcracker|mcrouter|pgcat|predixy|dynomite|redis-cluster-proxy|tidb-proxy|cassandra-proxy|spqr|supavisor',
    ),
  ),

  // Gateways to private networks.
  rule(
    'vpn',
    0.9,
    named(
      'gluetun|nordvpn|nordlynx|openvpn-client(-\\w+)?|protonvpn(-\\w+)?|expressvpn|surfshark|docker-wireguard-pia|wireguard-pia|mullvad(vpn)?|docker-openvpn-client|private-internet-access|pia-(vpn|wireguard)|vpn-client|vpnclient|wg-client|protonwire|airvpn|windscribe|purevpn|privadovpn|cyberghost|docker-nordvpn|vpn',
    ),
  ),
  rule(
    'vpn',
    0.75,
    /(^|\/)(tailscale|wireguard(-go)?|openvpn|netbird(-client)?|netbirdio\/netbird|zerotier(-client)?|openconnect(-\w+)?|softether(vpn)?|wireproxy|warp(-docker|-svc)?|amnezia(wg|-client)?|strongswan|ipsec-vpn\w*|openfortivpn|forticlient|globalprotect|anyconnect|vpnc|headscale-client|wg-quick|nebula)$/,
  ),

  // Logs.
  rule(
    'log-shipper',
    0.8,
    begins(
      'fluent-?bit|fluentd|filebeat|promtail|vector|logspout|aws-for-fluent-bit|fluentd-(gcp|elasticsearch|cloudwatch|kubernetes-daemonset)|rsyslog(d)?|syslog-ng|universalforwarder|splunk-?forwarder|splunkforwarder|ilogtail|loongcollector|logagent|nxlog|logstash-forwarder|log-?(shipper|forwarder|collector|tailer|streamer|sidecar|exporter-fluent)|logtail|sumologic-collector|fluentd-sidecar|lumberjack|loki-shipper|logrotate-tail|remote-syslog2?|papertrail|logdna-agent|timber|humio-fluentbit|td-agent(-bit)?',
    ),
  ),
  rule('log-shipper', 0.45, named('logstash|beats|logger')),

  // Metrics.
  rule('metrics', 0.8, /[-_]exporter$|(^|\/)[\w.-]*[-_]exporter[-_][\w.-]*$|(^|\/)exporter[-_.\w]*$/),
  rule(
    'metrics',
    0.75,
    named(
      'prometheus-to-sd|prom-to-sd|statsd|telegraf|collectd|metrics-sidecar|metrics-agent|heapster-nanny|k8s-prometheus-adapter|jmx-?prometheus\\w*|prometheus-statsd|stackdriver-prometheus-sidecar|prometheus-engine-sidecar|metrics-proxy|nginx-vts-exporter|prom-aggregation-gateway|metrics-collector|metricbeat|redis_exporter|kafka-lag|sidecar-prometheus|phpfpm-exporter|php-fpm_exporter|prometheus-adapter',
    ),
  ),
  rule(
    'agent',
    0.75,
    begins(
      'opentelemetry-collector|otel-?(collector|agent)|otelcol|aws-otel-collector|jaeger-agent|datadog-agent|dd-agent|cloudwatch-agent|aws-xray-daemon|xray-daemon|amazon-cloudwatch-agent|newrelic-infra\\w*|newrelic-daemon|php-agent|elastic-agent|apm-agent|signalfx-agent|splunk-otel-collector|parca-agent|skywalking-\\w*agent|instana-agent|sentry-relay|stackdriver-agent|ops-agent|grafana-agent|alloy|oneagent|appdynamics-\\w+|machine-agent|wavefront-proxy|zipkin-agent|ddagent|sysdig-?agent|falco|aqua-enforcer|lightstep-collector|adot-collector|otel|honeycomb-\\w*agent|refinery|pyroscope-agent|ecs-agent|ssm-agent|nri-\\w+|blackfire|tracing-agent',
    ),
  ),
  rule(
    'agent',
    0.7,
    /(^|\/)(datadog|newrelic|gcr\.io\/datadoghq|datadoghq|public\.ecr\.aws\/datadog)\/(agent|infrastructure|infrastructure-bundle|dogstatsd|cluster-agent)$/,
  ),
  rule('agent', 0.35, named('thanos|prometheus-?agent|vmagent|agent|zabbix-agent2?|consul')),

  // Configuration, secrets, certificates.
  rule(
    'config',
    0.85,
    named(
      '(prometheus-)?config-reloader|prometheus-config-reload(er)?|configmap-reload(er)?|configmap_reload|config-?reload(er)?|rules?-configmap-reload(er)?|k8s-sidecar|consul-template|confd|configmap-watch(er)?|config-?(watch(er)?|sync(er)?|updater|renderer|agent|generator-sidecar)|reloader-sidecar|thanos-kube-reloader|kube-watch|nginx-reloader|envtpl|jenkins-k8s-sidecar|jenkins-sc-config|grafana-sc-\\w+|haproxy-reload|config-manager|k8s-configmap-watcher|reload-sidecar|config-merger|prometheus-rule-loader|dynamic-config',
    ),
  ),
  rule('config', 0.35, named('reloader|gomplate|dockerize|envsubst|docker-gen')),
  rule(
    'secrets',
    0.8,
    named(
      'vault-agent(-\\w+)?|vault-k8s|vault-env|vault-sidecar|secretless-broker|conjur-authn-k8s-client|conjur-kubernetes-authenticator|secrets-provider(-for-k8s)?|secrets-provider-for-k8s|berglas|chamber|aws-secrets-manager\\w*|aws-env|secret-?(fetcher|sync|injector|agent|manager-agent)|sops-\\w+|akeyless-\\w*|infisical-agent|ecr-credential-\\w+|token-refresher|credential-refresher|kube-vault-\\w+|vault-kubernetes-\\w+|azure-keyvault-\\w+|akv2k8s-\\w+|bank-vaults',
    ),
  ),
  rule('secrets', 0.35, named('vault|doppler|connect-sync|infisical|op')),
  rule(
    'certs',
    0.85,
    named(
      'certbot|acme\\.sh|acme|acme-companion|letsencrypt-nginx-proxy-companion|docker-letsencrypt-nginx-proxy-companion|letsencrypt(-\\w+)?|lego|dehydrated|simp_le|traefik-certs-dumper|certs?-(dumper|generator|gen|init|manager-init|copier|watcher|renewer|refresher|fetcher)|certgen|omgwtfssl|minica|mkcert|kube-webhook-certgen|certificate-init-container|spiffe-helper|step-renewer|cert-renew(er)?|ssl-cert-generator|self-signed-cert\\w*|tls-gen|dns-\\w+|certbot-dns-[\\w-]+|cert-generator|autocert(-\\w+)?|cfssl\\w*|dnsrobocert|ssl-cert-snakeoil|generate-certs',
    ),
  ),

  // Content, backups, schedules.
  rule(
    'git-sync',
    0.9,
    named(
      'git-sync|gitsync|git-?pull(er)?|gitwatch|git-clone(r)?|git-sync-sidecar|git-updater|git2consul|k8s-git-sync|git-poll|git-init|git-cloner|repo-sync',
    ),
  ),
  rule('git-sync', 0.55, /(^|\/)(alpine\/git|alpine-git|bitnami\/git|git)$/),
  rule(
    'content',
    0.75,
    named(
      'rclone|s3-sync|s3sync|aws-s3-sync|gcs-sync|gsutil|lsyncd|rsync(d|-server)?|s3fs|goofys|gcsfuse(-\\w+)?|content-sync|file-?sync(er)?|dag-sync|dags-sync|syncthing-sidecar|s3-downloader|artifact-downloader|model-(downloader|loader|puller|fetcher)|storage-initializer|geoip-?update(r)?|geoipupdate|gke-gcsfuse\\w*|azcopy|oras|content-puller|plugin-installer|blob-sync|aws-sync',
    ),
  ),
  rule('content', 0.3, named('aws-cli|awscli|google-cloud-sdk|cloud-sdk|mc|azure-cli|curl|wget')),
  rule(
    'backup',
    0.85,
    /(^|\/)[\w.-]*(backup|xtrabackup|dbdump)[\w.-]*$|(^|\/)(wal-[ge]|litestream|restic(-\w+)?|borg(matic|backup|-\w+)?|duplicity|duplicati|duplicacy|pgbackrest|barman(-cloud)?|mariabackup|autorestic|velero|medusa|volumerize|kopia|k8up|stash|pg_?dump(-\w+)?|pgdump|mysql-?dump(-\w+)?|databack|docker-db-backup|mongodump|resticker|redis-dump|elasticdump|rdiff-\w+|bivac|syncoid|cassandra-medusa)$/,
  ),
  rule(
    'cron',
    0.7,
    named(
      'ofelia|supercronic|(docker-)?cron(d|tab|job)?|crond|docker-crontab|swarm-cronjob|cron-runner|scheduler-sidecar|logrotate|chadburn|yacron|cronicle|jobber|dcron|alpine-cron|cron-sidecar|easy-cron|deck-chores|curator',
    ),
  ),

  // Health and cluster parts.
  rule(
    'health',
    0.85,
    named(
      'liveness-?probe|csi-liveness-?probe|livenessprobe|readiness-probe|exechealthz(-amd64)?|healthz|health-?check(er)?|health-?sidecar|k8s-dns-sidecar(-amd64)?|watchdog|autoheal|keepalived|docker-autoheal|health-agent|deunhealth|healthd|probe|redis-sentinel|sentinel|galera-healthcheck|node-problem-detector|health-proxy|mysql-health\\w*|orchestrator-sidecar|grpc-health-probe|will-?failover',
    ),
  ),
  rule(
    'controller',
    0.85,
    named(
      'csi-node-driver-registrar|node-driver-registrar|driver-registrar|csi-(cluster-driver-registrar|driver-registrar|provisioner|attacher|resizer|snapshotter|external-[\\w-]+|node-registrar|snapshot-validation-webhook|sidecar-\\w+|addons|replicator|manifests)|external-(provisioner|attacher|resizer|snapshotter|health-monitor-[\\w-]+)|csi-external-health-monitor-[\\w-]+|addon-resizer|pod_nanny|cluster-proportional-autoscaler|leader-elector|leader-election|k8s-leader-elector|cpa|snapshot-controller|livenessprobe-nanny|resizer|k8s-registrar|spiffe-csi-driver-registrar|volume-modifier-for-k8s|extender',
    ),
  ),
  rule('controller', 0.35, named('kubectl|kube-vip|operator')),
  rule(
    'debug',
    0.85,
    named(
      'netshoot|linkerd2?-debug|tcpdump|docker-tcpdump|wireshark|tshark|network-multitool|dnsutils|jessie-dnsutils|debug-?tools?|debugger|debug|kubectl-debug|koolkit-\\w+|troubleshoot\\w*|k8s-debug|swiss-army-knife|praqma-network-multitool|toolbox|utils-debug|strace|delve|dlv|bpftrace|perf|sniffer|mitmproxy|ksniff\\w*',
    ),
  ),
  rule(
    'ambassador',
    0.8,
    /(^|\/)(svendowideit\/ambassador|docker-ambassador|ambassador-sidecar|[\w.-]*-ambassador|kubectl-proxy(-\w+)?|kube-?api-?proxy)$/,
  ),
  rule(
    'migration',
    0.85,
    named(
      'flyway|liquibase|golang-migrate|migrate|dbmate|goose|atlas|sqitch|phinx|db-?migrat(e|ion|ions|or)|[\\w.-]+[-_]migrat(e|ion|ions|or)|migrations?|schema-migrat\\w*|bytebase|alembic|migrator|yoyo|prisma-migrate',
    ),
  ),
  rule(
    'wait',
    0.85,
    named(
      'wait-for(-it|-\\w+)?|wait4x|k8s-wait-for|waitforit|wait|dockerize-wait|docker-wait|wait-on|kubernetes-wait-for|wait_for|docker-compose-wait|wait-for-\\w+|waiter|pod-wait',
    ),
  ),

  // What is the application as often as not.
  rule(
    'proxy',
    0.4,
    named(
      'nginx(-\\w+)?|haproxy(-\\w+)?|envoy(-[\\w.]+)?|traefik|caddy|httpd|apache2?|openresty|nginx-unprivileged|nginx-proxy|tinyproxy|squid|privoxy|kong|tengine|socat|tcp-proxy|angie|krakend|apisix|goreverseproxy',
    ),
  ),
  rule(
    'proxy',
    0.75,
    named(
      'endpoints-runtime|endpoints-release|esp|esp-v2|grpc-?web-?proxy|grpcwebproxy|prom-label-proxy|nginx-sidecar|proxy-sidecar|reverse-proxy(-\\w+)?|sidecar-proxy|docker-socket-proxy|http-proxy|forward-proxy|api-proxy|grpc-proxy|proxy-agent|proxy-server-agent|apiserver-network-proxy-agent|proxy-agent-\\w+|egress-proxy|ingress-sidecar|tcpproxy|websockify|grpc-gateway|nginx-proxy-sidecar|cloudflared|ngrok|hoverfly|toxiproxy|apigee\\w*|envoy-sidecar|ssh-tunnel|autossh|inlets\\w*|frpc|konnectivity\\w*|chisel|kubelet-proxy|socks5?(-proxy)?|gost|proxy|kube-prom-proxy|fcgi-proxy',
    ),
  ),
  rule('proxy', 0.5, /[-_]proxy$/),
  rule(
    'cache',
    0.6,
    named(
      'varnish(-\\w+)?|twemcache|memcached(-\\w+)?|nginx-cache|dnsmasq(-\\w+)?|k8s-dns-dnsmasq(-\\w+)?|k8s-dns-dnsmasq-nanny(-\\w+)?|node-cache|k8s-dns-node-cache|squid-cache|olric|groupcache|nscd|unbound-cache|buildkit-cache',
    ),
  ),
  rule('cache', 0.3, named('redis(-\\w+)?|valkey|keydb|hazelcast|ehcache|dragonfly|redis-alpine')),
  rule('unknown', 0.5, holds('sidecar|side-car|helper|companion')),
];
