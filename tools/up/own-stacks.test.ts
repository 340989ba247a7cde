/** Pods of our own stacks, asked for by `x-sidecars`, come out as their compose files have them. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { interpolate } from '../compose/interpolate.ts';
import { loadProject } from '../compose/project.ts';
import { toValue } from '../yaml/tree.ts';
import { planUp } from './plan.ts';

const test = suite('up: our own stacks');

const STACKS = join(import.meta.dirname, '../../stacks');
type Service = Record<string, unknown> & { readonly environment?: Record<string, string>; readonly volumes?: string[] };
type Services = Readonly<Record<string, Service>>;

/** The stack's file, with the pod of one application undone and asked for instead. */
interface Pod {
  readonly stack: string;
  readonly app: string;
  readonly pod: string;
  /** The stack's service for each sidecar. */
  readonly sidecars: Readonly<Record<string, string>>;
  /** Of the application, as anybody would write it. */
  readonly asked: string;
  /** Parameters of the stack that cannot be asked for. */
  readonly without?: readonly string[];
}

const PODS: readonly Pod[] = [
  {
    stack: 'https',
    app: 'guestbook',
    pod: 'guestbook-pod',
    sidecars: { tls: 'guestbook-tls' },
    asked: `ports: ["127.0.0.1:\${PUBLISH_HTTPS:-8443}:8080"]
    depends_on: { pki: { condition: service_completed_successfully } }
    x-sidecars:
      tls:
        TLS_CERT_DIR: guestbook-certs
        TLS_REDIRECT_PORT: 8081
        TLS_HSTS_MAX_AGE: 1h
        TLS_HANDSHAKE_TIMEOUT: 2s
        TLS_HEADER_TIMEOUT: 2s
        TLS_IDLE_TIMEOUT: 4s
        publish: ["127.0.0.1:\${PUBLISH_HTTP:-8080}:8081"]`,
  },
  {
    stack: 'auth',
    app: 'guestbook',
    pod: 'shop-pod',
    sidecars: { tls: 'shop-tls', auth: 'shop-auth' },
    asked: `ports: ["127.0.0.1:\${PUBLISH_SHOP:-8461}:8080"]
    networks: { default: { aliases: [shop.example] } }
    depends_on: { secrets: { condition: service_completed_successfully } }
    x-sidecars:
      tls: { TLS_CERT_DIR: certs }
      auth:
        AUTH_COOKIE_SECRET_FILE: secrets/cookie
        AUTH_RULES: ./rules.yaml
        AUTH_API_PATHS: /api/**
        AUTH_LOGIN_RATE: 10000/min
        OIDC_ISSUER: https://id.example:8443
        OIDC_CONNECT_TO: id-pod:8443
        OIDC_CLIENT_ID: shop
        OIDC_CLIENT_SECRET_FILE: secrets/client
        OIDC_CA_FILE: certs/ca.pem`,
  },
  {
    stack: 'cache',
    app: 'shop',
    pod: 'pod',
    sidecars: { tls: 'tls', cache: 'cache' },
    asked: `ports: ["127.0.0.1:\${PUBLISH_SHOP:-3643}:8080"]
    x-sidecars:
      tls: {}
      cache: { CACHE_MEMORY: 8MiB }`,
    // A disk needs a volume of the sidecar's own, which x-sidecars does not ask for.
    without: ['CACHE_DISK', 'CACHE_DIR'],
  },
];

function both({ stack, app, pod, asked }: Pod): { theirs: Services; ours: Services } {
  const folder = join(STACKS, stack);
  const scratch = temporaryDirectory('own');
  const over = join(scratch, 'asked.yaml');
  const reset = `{ ports: !reset [], networks: !override [default] }`;
  writeFileSync(
    over,
    `services:\n  ${pod}: ${reset}\n  ${app}:\n    network_mode: !reset null\n    pid: !reset null\n    ${asked}\n`,
  );
  try {
    const { services } = loadProject(['compose.yaml'], { base: folder, environment: {} });
    const { after } = planUp({ folder, files: ['compose.yaml', over], environment: {} });
    return {
      theirs: Object.fromEntries([...services].map(([name, { tree }]) => [name, toValue(tree) as Service])),
      ours: (parse(after!, { logLevel: 'silent' }) as { services: Services }).services,
    };
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** What a container is told, with the files of volumes by the volume's name. */
function told({ environment = {}, volumes = [] }: Service): Record<string, string> {
  const mounts = volumes.map((each) => each.split(':') as [string, string]);
  const source = (value: string): string => {
    const found = mounts.find(([, target]) => value === target || value.startsWith(`${target}/`));
    return found === undefined ? value : `${found[0]}${value.slice(found[1].length)}`;
  };
  return Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, source(String(value))]));
}

const HARDENING = ['init', 'read_only', 'cap_drop', 'security_opt', 'mem_limit', 'pids_limit', 'user'] as const;
const pick = (service: Service, keys: readonly string[]): unknown[] => keys.map((key) => service[key]);
type SidecarsRequest = { readonly condition: string };
const waits = ({ depends_on: requested = {} }: Service): Record<string, SidecarsRequest> =>
  requested as Record<string, SidecarsRequest>;

for (const pod of PODS)
  test(`${pod.stack}: ${Object.keys(pod.sidecars).join(' and ')} beside ${pod.app} are those of the stack`, () => {
    const { theirs, ours } = both(pod);
    const named = (role: string): [string, Service] =>
      Object.entries(ours).find(([name]) => new RegExp(`^${pod.app}-${role}(-2)?$`).test(name))!;
    const [podName, own] = named('pod');
    const stack = theirs[pod.pod]!;
    const filled = (port: unknown): string => interpolate(String(port), {});
    assert.equal((own['ports'] as unknown[]).map(filled), (stack['ports'] as unknown[]).map(filled));
    const { mem_limit: memory, user, cap_drop: dropped } = stack;
    assert.equal([own['mem_limit'], own['user'], own['cap_drop']], [memory, user, dropped]);
    assert.is(ours[pod.app]!['network_mode'], `service:${podName}`);
    for (const [sidecar, name] of Object.entries(pod.sidecars)) {
      const [service, written] = named(sidecar);
      const expected = theirs[name]!;
      const parameters = Object.entries(told(expected)).filter(([key]) => !pod.without?.includes(key));
      const also = Object.entries(told(written)).filter(([key]) => expected.environment?.[key] === undefined);
      assert.equal(
        parameters.map(([key]) => [key, filled(told(written)[key])]),
        parameters,
      );
      // Names of a development certificate, and the port that browsers see; what the sidecar would take by itself otherwise.
      const known = ['TLS_DEV_NAMES', 'TLS_PUBLIC_PORT'];
      assert.equal(
        also.map(([key]) => key).filter((key) => !known.includes(key)),
        [],
      );
      // A container that shares processes has none of the engine's init.
      const keys = HARDENING.filter((key) => key !== 'init' || expected['pid'] === undefined);
      assert.equal(pick(written, keys), pick(expected, keys));
      assert.is(written['network_mode'], `service:${podName}`);
      assert.equal(waits(written)[podName], waits(expected)[pod.pod]);
      const ending = Object.entries(waits(expected)).filter(([, { condition }]) =>
        condition.endsWith('completed_successfully'),
      );
      for (const [other, requested] of ending)
        assert.equal(waits(written)[other], requested, `${service} waits for ${other}`);
      assert.is(waits(ours[pod.app]!)[service]?.condition, 'service_healthy');
    }
  });

test.run();
