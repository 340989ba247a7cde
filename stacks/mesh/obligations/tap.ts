/** Tap: requests as they happen, for identities that the policy names. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { authorityOf, leafFor } from '../lib/forge.ts';
import { addressOf, ours } from '../lib/proxies.ts';
import { call, freshKey, type Call } from '../lib/workload.ts';

const ID = 'spiffe://mesh.local/ns/shop/sa/';
/** As compose.override.yaml gives it to the front's proxy. */
const PORT = 15_030;

export function tapObligations({ must }: Scenario): void {
  must(
    'show its requests live to an identity that may see them, and to no other',
    {
      say: 'The policy lets the identity of the client tap. It sees requests of the front as they happen; another identity, or none, sees nothing.',
      within: 180_000,
      ...ours('its tap needs its admin interface'),
    },
    async ({ project, say }) => {
      const authority = await authorityOf(project);
      const host = await addressOf(project, 'front');
      const mark = `/?${freshKey('tap')}`;
      const as = async (service: string): Promise<Call> => ({
        protocol: 'mtls',
        host,
        port: PORT,
        path: '/tap',
        shown: await leafFor(`${ID}${service}`, authority),
      });
      const watching = call(project, 'stranger', [{ ...(await as('client')), until: `${mark}"`, timeoutMs: 90_000 }]);
      let watched = false;
      const settled = watching.finally(() => (watched = true));
      await eventually(
        'it is seen',
        async () => {
          const [visit] = await call(project, 'client', [
            { protocol: 'http/1.1', host: 'front', port: 8080, path: mark },
          ]);
          assert.is(visit!.status, 200, JSON.stringify(visit));
          return watched;
        },
        { within: 90_000, every: 100 },
      );
      const [stream] = await settled;
      assert.is(stream!.status, 200, JSON.stringify(stream));
      const line = stream!.text!.split('\n').find((each) => each.includes(`${mark}"`))!;
      const entry = JSON.parse(/\{.*\}/.exec(line)![0]) as Record<string, unknown>;
      assert.equal(
        [entry['direction'], entry['source'], entry['method'], entry['path'], entry['status'], entry['mtls']],
        ['inbound', 'client', 'GET', mark, 200, true],
      );

      const { shown, ...bare } = await as('orders');
      const [another, nobody] = await call(project, 'stranger', [{ ...bare, ...(shown && { shown }) }, bare]);
      assert.is(another!.status, 403, JSON.stringify(another));
      assert.is(nobody!.status, undefined, JSON.stringify(nobody));
      assert.not(nobody!.ok);
      say(`client: ${line.slice(0, 160)}…; orders: ${another!.status}; nobody: ${nobody!.error}`);
    },
  );
}
