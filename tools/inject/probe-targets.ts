/** The probe sidecar's target, from the `healthcheck:` of the service beside it. */
import { stringify } from 'yaml';
import { Refusal } from '../bundled/refusal.ts';
import { interpolateTree } from '../compose/interpolate.ts';
import type { Project, Service } from '../compose/project.ts';
import { seconds, words } from '../compose/values.ts';
import { get, isTrue, text, texts, type Tree } from '../yaml/tree.ts';

const NAMED = ['PROBE_TARGET', 'PROBE_TARGETS', 'PROBE_TARGETS_FILE'];
/** The largest failureThreshold that the probe takes. */
const MOST_FAILURES = 1000;
/** What runs a script, by whose name its process is found. */
const INTERPRETER = /^(?:node|nodejs|bun|deno|python[\d.]*|perl|ruby|php|sh|bash|java)$/;
/** The process of an image without a command. */
const OF_IMAGE: Readonly<Record<string, string>> = {
  caddy: 'caddy',
  haproxy: 'haproxy',
  httpd: 'httpd',
  mariadb: 'mariadbd',
  memcached: 'memcached',
  mongo: 'mongod',
  mysql: 'mysqld',
  nginx: 'nginx',
  postgres: 'postgres',
  redis: 'redis-server',
  traefik: 'traefik',
  valkey: 'valkey-server',
};

/**
 * What a probe beside a service is told.
 * @param set its parameters as said
 * @returns nothing where they name a target
 * @throws {Refusal} where the service has no health check that can be asked from beside it, or an unknown process
 */
export function probeTargets(project: Project, service: Service, set: Readonly<Record<string, string>>) {
  if (NAMED.some((name) => set[name])) return {};
  const tree = interpolateTree(service.tree, project.environment, 'nothing');
  const check = get(tree, 'healthcheck');
  const handler = isTrue(get(check, 'disable')) ? undefined : handlerOf(commandOf(get(check, 'test')));
  const process = processOf(tree);
  if (handler === undefined || process === undefined)
    throw new Refusal(
      'no-targets',
      `probe beside ${service.name} would watch nothing, since ${
        process === undefined
          ? 'the name of its process is not known from command: or image:'
          : 'its healthcheck: asks for no address (curl or wget of a URL, nc -z HOST PORT)'
      }: PROBE_TARGET=PROCESS names what to watch, and PROBE_CHECK how`,
    );
  const time = (key: string, otherwise: number): number =>
    Math.max(1, Math.round(seconds(text(get(check, key))) ?? otherwise));
  const periodSeconds = time('interval', 30);
  const probe = { ...handler, periodSeconds, timeoutSeconds: time('timeout', 30) };
  const retries = Math.min(MOST_FAILURES, Number(text(get(check, 'retries')) ?? 3));
  const starting = Math.ceil((seconds(text(get(check, 'start_period'))) ?? 0) / periodSeconds);
  const target = {
    name: service.name,
    process,
    livenessProbe: { ...probe, failureThreshold: retries },
    ...(starting > 0 && { startupProbe: { ...probe, failureThreshold: Math.min(MOST_FAILURES, starting + retries) } }),
  };
  return { PROBE_TARGETS: stringify([target]) };
}

/** The words of a health check's command; of a shell's line those before `|| exit 1`. */
function commandOf(test: Tree | undefined): readonly string[] {
  const said = texts(test);
  if (said[0] === 'CMD') return said.slice(1);
  const line = words((test?.kind === 'seq' ? said[1] : text(test)) ?? '');
  const end = line.findIndex((word) => /^[|&;>]/.test(word));
  return end === -1 ? line : line.slice(0, end);
}

/** The same question as a probe's, asked from beside the service; undefined where it is another one. */
function handlerOf([program = '', ...args]: readonly string[]) {
  if (program === 'curl' || program === 'wget') {
    const url = args.map((arg) => URL.parse(/^[\w.-]+:\d+(?:\/|$)/.test(arg) ? `http://${arg}` : arg)).find(isLocal);
    if (!url) return undefined;
    const https = url.protocol === 'https:';
    const port = Number(url.port) || (https ? 443 : 80);
    return { httpGet: { port, path: url.pathname + url.search, ...(https && { scheme: 'HTTPS' }) } };
  }
  const port = Number(args.at(-1));
  return program === 'nc' && args.some((arg) => /^-\w*z/.test(arg)) && port > 0 && port < 65_536
    ? { tcpSocket: { port } }
    : undefined;
}

const isLocal = (url: URL | null): url is URL =>
  url !== null &&
  ['http:', 'https:'].includes(url.protocol) &&
  ['localhost', '127.0.0.1', '[::1]', '0.0.0.0'].includes(url.hostname);

/** The name of the service's process. */
function processOf(tree: Tree): string | undefined {
  const lines = ['entrypoint', 'command'].flatMap((key) => {
    const said = get(tree, key);
    return said?.kind === 'seq' ? texts(said) : words(text(said) ?? '');
  });
  const image = text(get(tree, 'image'))?.split('@')[0]!.split('/').at(-1)!.split(':')[0] ?? '';
  const [program, script] = (lines[0] === 'exec' ? lines.slice(1) : lines).map((word) => word.split('/').at(-1)!);
  if (program === undefined || program.startsWith('-')) return OF_IMAGE[image];
  if (!INTERPRETER.test(program)) return program;
  return script === undefined || script.startsWith('-') ? program : script;
}
