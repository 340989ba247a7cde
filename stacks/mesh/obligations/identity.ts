/** Who has no identity of the mesh, or not the right one, is refused, counted and explained. */
import * as assert from 'uvu/assert';
import type { Project } from '../../../scripts/lib/compose.ts';
import { eventually } from '#kit/testing/eventually.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { certify } from '#kit/testing/certify.ts';
import { authorityOf, impostor, leafFor, type Shown } from '../lib/forge.ts';
import { applyPolicy, unchanged } from '../lib/policy.ts';
import { addressOf, ENVOYS, metric, samples } from '../lib/proxies.ts';
import { call, echoOf, load } from '../lib/workload.ts';

const ID = 'spiffe://mesh.local/ns/shop/sa/';

/** Handshakes that failed: for the protocol, for a certificate that is not good, and for one that is not there. */
const ENVOY_REFUSALS = ['connection_error', 'fail_verify_error', 'fail_verify_san', 'fail_verify_no_cert'].map(
  (cause) => `envoy_listener_ssl_${cause}`,
);

/** Call the first replica from outside of the mesh, with a certificate or without one. */
async function knock(project: Project, shown?: Shown) {
  const host = await addressOf(project, 'echo-1');
  const [outcome] = await call(project, 'stranger', [
    { protocol: 'mtls', host, port: 8080, timeoutMs: 15_000, ...(shown && { shown }) },
  ]);
  return outcome!;
}

/** How many connections the first replica's proxy has refused; it has no sample before the first. */
async function refusals(project: Project): Promise<number> {
  const names = ENVOYS.includes('echo-1') ? ENVOY_REFUSALS : ['mesh_connections_refused_total'];
  const all = await Promise.all(names.map((name) => samples(project, 'echo-1', name)));
  return all.flat().reduce((total, { value }) => total + value, 0);
}

export function identityObligations({ must }: Scenario): void {
  must(
    'refuse who has no identity, or not the right one, and say why',
    {
      say: 'A certificate of another trust domain, an expired one, one of an authority of the same name, one without its key, and none: each is refused, counted and explained.',
      within: 180_000,
    },
    async ({ project, say }) => {
      await applyPolicy(project, { echo: unchanged });
      const authority = await authorityOf(project);
      const good = await knock(project, await leafFor(`${ID}client`, authority));
      assert.is(echoOf(good).replica, 'echo-1', 'what is refused below is refused for what is wrong with it');

      const other = await certify({ ca: true, subject: 'CN=another mesh' });
      const wrong: Readonly<Record<string, Shown | undefined>> = {
        'another trust domain, signed by this one': await leafFor(
          'spiffe://other.example/ns/shop/sa/client',
          authority,
        ),
        'another trust domain': await leafFor('spiffe://other.example/ns/shop/sa/client', other),
        expired: await leafFor(`${ID}client`, authority, { from: -2, to: -1 }),
        'not yet valid': await leafFor(`${ID}client`, authority, { from: 1, to: 2 }),
        'an authority of the same name': await leafFor(`${ID}client`, await impostor(authority)),
        'no SPIFFE id': await certify({ names: ['client'], issuer: authority }),
        'no certificate': undefined,
      };
      for (const [name, shown] of Object.entries(wrong)) {
        const before = await refusals(project);
        const outcome = await knock(project, shown);
        assert.not(outcome.ok, `${name}: ${JSON.stringify(outcome)}`);
        assert.is(outcome.status, undefined, `${name}: no answer of HTTP`);
        await eventually(`${name} is counted`, async () => (await refusals(project)) > before, { within: 30_000 });
      }
      say(`${Object.keys(wrong).length} of ${Object.keys(wrong).length} refused`);
      if (ENVOYS.includes('echo-1')) return;
      const log = await project.logs(await project.id('echo-1-proxy'));
      const told = log.split('\n').filter((line) => line.includes('refused'));
      assert.ok(told.length >= Object.keys(wrong).length, told.join('\n') || 'nothing is told');
      say(told.at(-1)!.slice(0, 200));
    },
  );

  must(
    'never let a key out of its proxy',
    { say: 'A stolen certificate is of no use: its key was made in the proxy and is on no disk.', within: 60_000 },
    async ({ project }) => {
      const found = await project.exec('echo-1-proxy', [
        'bash',
        '-c',
        'grep -rlE "PRIVATE KEY" /join /trust /tmp /run /var 2>/dev/null; true',
      ]);
      assert.is(found, '');
    },
  );
}

/** Certificates of the stack last two minutes, and are renewed after one. */
export function renewalObligations({ must }: Scenario): void {
  must(
    'renew certificates under load without an error',
    {
      say: 'Certificates live for two minutes here. They are renewed while requests go through; none fails.',
      within: 300_000,
    },
    async ({ project, say }) => {
      const PROXIES = ['client', 'catalogue-1', 'catalogue-2'] as const;
      const ends = (): Promise<number[]> =>
        Promise.all(PROXIES.map((name) => metric(project, name, 'mesh_certificate_not_after_seconds')));
      const before = await ends();
      let requests = 0;
      for (const deadline = performance.now() + 240_000; ;) {
        const { statuses, failures, sent } = await load(project, 'client', {
          host: 'catalogue',
          port: 8000,
          path: '/products',
          requests: 200,
          rate: 40,
        });
        assert.equal(statuses, { 200: sent }, failures.join());
        requests += sent;
        const now = await ends();
        if (now.every((end, index) => end > before[index]!)) break;
        assert.ok(performance.now() < deadline, `not renewed: ${now.join(', ')} after ${before.join(', ')}`);
      }
      say(`${requests} requests while ${PROXIES.join(', ')} got new certificates, and no error`);
    },
  );
}
