/** x-sidecars: what is planned, and what is refused. The plans are in golden/; GOLDEN=write writes them anew. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfigurationError } from '#kit/contract/parameters.ts';
import { Refusal } from '../bundled/refusal.ts';
import { main } from '../main.ts';
import { planUp, type UpPlan } from './plan.ts';
import { requireSamePublished } from './published.ts';
import { podLines, reachLines, routeLines } from './report.ts';

const test = suite('up: the plan');
const golden = join(import.meta.dirname, 'golden');

function planned(compose: string, before?: string): UpPlan {
  const folder = mkdtempSync(join(tmpdir(), 'up-'));
  try {
    writeFileSync(join(folder, 'compose.yaml'), compose);
    if (before !== undefined) writeFileSync(join(folder, 'compose.sidecars.yaml'), before);
    return planUp({ folder, files: [], environment: {} });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
const web = (requested: string, more = ''): string =>
  `services:\n  web:\n    image: x\n    ports: ["8080:80"]\n    x-sidecars: ${requested}\n${more}`;
function refusal(compose: string): string {
  try {
    planned(compose);
  } catch (error) {
    if (error instanceof Refusal) return `${error.reason}: ${error.message}`;
    if (error instanceof ConfigurationError) return error.problems.map(({ message }) => message).join('\n');
    throw error;
  }
  return 'planned';
}

/** A sidecar's version is its contract's: a new one changes no plan. */
const withoutVersions = (plan: string): string =>
  plan.replaceAll(/"(sidecar-stacks\/[a-z-]+):\d+\.\d+\.\d+-/g, '"$1:VERSION-');

for (const name of readdirSync(golden))
  test(`the plan of ${name} is the one in golden`, () => {
    const path = join(golden, name, 'compose.sidecars.yaml');
    const { after } = planned(readFileSync(join(golden, name, 'compose.yaml'), 'utf8'));
    const plan = withoutVersions(after!);
    if (process.env['GOLDEN'] === 'write') writeFileSync(path, plan);
    assert.is(plan, readFileSync(path, 'utf8'));
  });

test('a request passes tls, then auth, then cache, whatever their order in the file', () => {
  const { routes } = planned(web('[cache, tls]'));
  assert.equal(routes[0]!.chain, ['tls', 'cache']);
  assert.is(routeLines(routes)[0], 'web: tls :8443 → cache → web :80');
});

test('the published port leads to the first sidecar; with keep-open a warning says so', () => {
  assert.match(planned(web('[tls]')).after!, /ports: \[ "8080:8443" \]/);
  const open = planned(web('{ tls: {}, keep-open: true }'));
  assert.match(open.after!, /ports: \[ "8080:80", "8443" \]/);
  assert.match(routeLines(open.routes).join('\n'), /warning: port 80 stays published/);
});

test('a port of the application is left to it: the sidecar listens on the next one', () => {
  const { after } = planned('services: {web: {image: x, expose: [8443], x-sidecars: [tls]}}');
  assert.match(after!, /TLS_LISTEN_PORT: "8444"/);
  const page = planned('services: {web: {image: x, expose: [8080], x-sidecars: [topz]}}');
  assert.match(page.after!, /TOPZ_ADDRESS: "0\.0\.0\.0:8081"/, 'a parameter that holds an address keeps it');
});

test('a sidecar runs as the user that is asked for, and reads its secrets as that one', () => {
  const { after } = planned(
    `${web('{ config-sync: { CONFIG_URL: "http://config", CONFIG_FILES: a=/etc/a, share: [/etc], user: "990:991", CONFIG_TOKEN_FILE: token } }')}secrets: { token: { file: ./token } }\n`,
  );
  const [, sidecar = ''] = /\n {2}web-config-sync:\n([^]*?)\n {2}\S/.exec(after!) ?? [];
  assert.match(sidecar, 'user: "990:991"');
  assert.match(after!, /- "-o"\n\s+- "990"\n\s+- "-g"\n\s+- "991"/);
  assert.match(refusal(web('{ tls: { user: root } }')), /gives tls the user root; accepted is UID or UID:GID/);
});

test('what cannot be understood is refused with the line, the name and what was probably meant', () => {
  assert.match(refusal(web('[tsl]')), /^x-sidecars: compose\.yaml:5: .*tsl.*did you mean tls\?/);
  assert.match(refusal(web('{ tls: { TLS_MIN_VERSON: "1.3" } }')), /TLS_MIN_VERSON; did you mean TLS_MIN_VERSION\?/);
  assert.match(refusal(web('{ tls: 3 }')), /accepted is a map/);
  assert.match(refusal(web('[tls, tls]')), /names tls twice/);
  assert.match(refusal(web('{ tls: { TLS_MIN_VERSION: "2" } }')), /TLS_MIN_VERSION.*accepted/);
});

test('a missing secret, port or method is asked for by its name', () => {
  assert.match(refusal(web('[auth]')), /^missing: auth beside web .*basic +needs the secret auth_htpasswd/s);
  assert.match(
    refusal(web('{ auth: { AUTH_METHODS: oidc } }')),
    /needs OIDC_ISSUER, OIDC_CLIENT_ID, the secret auth_cookie_secret/,
  );
  assert.match(
    refusal('services: {web: {image: x, x-sidecars: [tls]}}'),
    /^app-port: .*x-sidecars: \{ tls: \{ PROXY_PORT: 80 \} \}/,
  );
  assert.match(
    refusal(web('{ config-sync: { CONFIG_URL: "http://c", CONFIG_TOKEN: plain } }')),
    /^secret: .*config_token/,
  );
});

test('a service that asks no more gets no more; what inject put beside another one stays', () => {
  const first = planned(web('[tls]')).after!;
  assert.is(planned(web('false'), first).after, undefined);
  const injected = first.replace('      from: "x-sidecars"\n', '').replace(/ {6}instead: 80\n/, '');
  const both = planned(`${web('false')}  api: {image: y, expose: [81], x-sidecars: [tls]}\n`, injected);
  assert.equal(both.injections.map(({ into }) => into).toSorted(), ['api', 'web']);
});

test('another set of published ports than before is refused', () => {
  const config = (...ports: string[]) => ({
    services: { web: { ports: ports.map((published) => ({ published, target: 1 })) } },
  });
  requireSamePublished(config('80'), config('80'), 0);
  requireSamePublished(config('80'), config('80', ''), 1);
  assert.throws(() => requireSamePublished(config('80'), config(), 0), /would publish nothing/);
  assert.throws(() => requireSamePublished(config('80'), config('80', '81'), 0), /80.*81/);
});

const mesh = (text: string) => planned(`x-mesh: true\n${text}`);

test('x-mesh takes every service but those that say no or cannot, and says why', () => {
  const { injections, outside, permissive, after, policy } = mesh(
    `services:\n  web: {image: x, ports: ["80:80"]}\n  my_db: {image: y, expose: [5432]}\n  vpn: {image: z, network_mode: host}\n  old: {image: z, x-sidecars: {mesh: false}}`,
  );
  assert.equal(
    injections.map(({ into, sidecar }) => `${into} ${sidecar}`),
    ['web mesh-proxy', 'my_db mesh-proxy'],
  );
  assert.equal(
    outside.map(({ service }) => service),
    ['vpn', 'old'],
  );
  assert.match(permissive!, /vpn is not in it/);
  assert.match(after!, /MESH_SERVICE: "my-db"/);
  assert.not.match(policy!, /STRICT/);
});

test('only members may call a port that is not published, where all are members of one network', () => {
  const { policy, permissive } = mesh('services: {web: {image: x, ports: ["80:80"]}, api: {image: y, expose: [81]}}');
  assert.is(permissive, undefined);
  assert.is(policy!.match(/mtls: STRICT/g)!.length, 1);
  assert.match(
    mesh('services: {a: {image: x, networks: [n]}, b: {image: x, networks: [m]}}').permissive!,
    /several networks/,
  );
});

test('x-mesh: observe changes no traffic; what x-mesh does not know is refused', () => {
  const observed = planned('x-mesh: observe\nservices: {web: {image: x, ports: ["80:80"]}}').policy!;
  assert.match(observed, /mtls: DISABLE/);
  assert.not.match(observed, /retry|outlier/);
  assert.match(refusal('x-mesh: {dashbord: true}\nservices: {web: {image: x}}'), /did you mean dashboard\?/);
});

test('no line of what is said is longer than 80 columns', () => {
  const { routes } = planned(web('[tls, cache]'));
  const container = (Service: string, role: string, Publishers: object[] = []) =>
    ({
      Service,
      State: 'running',
      Health: 'healthy',
      ExitCode: 0,
      Publishers,
      Labels: `dev.sidecar-stacks.role=${role},dev.sidecar-stacks.app=web`,
    }) as never;
  const containers = [
    container('web-pod', 'pod', [{ URL: '0.0.0.0', TargetPort: 8443, PublishedPort: 8080, Protocol: 'tcp' }]),
    container('web-tls', 'sidecar'),
  ];
  assert.equal(reachLines(routes, containers), ['web          https://localhost:8080  by tls, cache']);
  const lines = [...routeLines(routes), ...reachLines(routes, containers), ...podLines(containers)];
  assert.equal(
    lines.filter((line) => line.length > 80),
    [],
  );
});

test('help fits 80 columns; nothing asked for and an unknown command say what to do', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'up-'));
  try {
    writeFileSync(join(folder, 'compose.yaml'), 'services: {web: {image: x}}');
    let said = '';
    const context = {
      folder,
      environment: {},
      out: (text: string) => void (said += text),
      err: (text: string) => void (said += text),
    };
    for (const name of ['up', 'down', 'ps', 'logs', 'heal', 'undo'])
      assert.is(await main([name, '--help'], context), 0);
    assert.equal(
      said.split('\n').filter((line) => line.length > 80),
      [],
    );
    said = '';
    assert.is(await main(['up'], context), 1);
    assert.match(said, /no service asks for a sidecar: add a line such as x-sidecars/);
    assert.is(await main(['upp'], context), 2);
    assert.match(said, /did you mean up\?/);
    assert.is(await main(['up', '--dryrun'], context), 2);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
