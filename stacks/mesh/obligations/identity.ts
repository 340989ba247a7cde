/** Who has no identity of the mesh, or not the right one, is refused, counted and explained. */
import * as assert from 'uvu/assert';
import type { Project } from '../../../scripts/lib/compose.ts';
import { eventually } from '#kit/testing/eventually.ts';
import type { Scenario } from '../../../scripts/lib/scenario.ts';
import { certify } from '#kit/testing/certify.ts';
import { authorityOf, impostor, leafFor, type Shown } from '../forge.ts';
import { applyPolicy } from '../policy.ts';
import { addressOf, metric } from '../proxies.ts';
import { call, echoOf, load } from '../workload.ts';

const ID = 'spiffe://mesh.local/ns/shop/sa/';

/** Call the first replica from outside of the mesh, with a certificate or without one. */
async function knock(project: Project, shown?: Shown) {
  const host = await addressOf(project, 'echo-1');
  const [outcome] = await call(project, 'stranger', [
    { protocol: 'mtls', host, port: 8080, timeoutMs: 15_000, ...(shown && { shown }) },
  ]);
  return outcome!;
}

/** How many connections the first replica's proxy has refused. */
const refusals = (project: Project): Promise<number> => metric(project, 'echo-1', 'mesh_connections_refused_total');

export function identityObligations({ must }: Scenario): void {
  must(
    'refuse who has no identity, or not the right one, and say why',
    {
      say: 'A certificate of another trust domain, an expired one, one of an authority of the same name, one without its key, and none: each is refused, counted and explained.',
      within: 180_000,
    },
    async ({ project, say }) => {
      await applyPolicy(project);
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
      const log = await project.logs(await project.id('echo-1-proxy'));
      const told = log.split('\n').filter((line) => line.includes('refused'));
      assert.ok(told.length >= Object.keys(wrong).length, told.join('\n') || 'nothing is told');
      say(`${Object.keys(wrong).length} of ${Object.keys(wrong).length} refused; ${told.at(-1)!.slice(0, 200)}`);
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

  must(
    'renew certificates under load without an error',
    {
      say: 'Every certificate is renewed while requests go through. None fails, and no connection is cut.',
      within: 180_000,
    },
    async ({ project, say }) => {
      const serial = (): Promise<number> => metric(project, 'client', 'mesh_certificate_renewals_total');
      const before = await serial();
      const running = load(project, 'client', { host: 'echo', port: 8080, requests: 3000, rate: 150 });
      await eventually('the certificate was renewed', async () => (await serial()) > before, {
        within: 120_000,
        every: 250,
      });
      const { statuses, failures } = await running;
      assert.equal(statuses, { 200: 3000 }, failures.join());
      say(`3,000 requests, ${(await serial()) - before} renewals of the client's certificate meanwhile, no error`);
    },
  );
}
