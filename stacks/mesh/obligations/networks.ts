/** Pods on several networks: each is called at the address that its caller can reach. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { docker } from '../../../scripts/lib/engine.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { withMore } from '../lib/more.ts';
import { call, type Call } from '../lib/workload.ts';

const NETWORK = 'aside';
/** The one that calls, on that network alone. */
const CALLER = ['aside', 'aside-proxy', 'aside-init', 'aside-pod'] as const;
/** Those that are called are put on that network beside their own. */
const CALLED = { 'catalogue-1-pod': 'catalogue', 'catalogue-2-pod': 'catalogue', 'control-plane': 'control-plane' };
const PRODUCTS: Call = { protocol: 'http/1.1', host: 'catalogue', port: 8000, path: '/products', timeoutMs: 60_000 };
const LONG = { timeoutMs: 60_000 };

export function networkObligations({ must }: Scenario): void {
  must(
    'reach replicas of two networks over the network that their caller is on',
    {
      say: 'The catalogue is put on a second network while it runs. A caller that is on the second alone reaches it there, one of the first as before, both by mTLS.',
      within: 300_000,
      needs: 'compose',
    },
    async ({ project, say }) => {
      const network = `${project.name}_${NETWORK}`;
      await withMore(project, CALLER, async (more) => {
        try {
          // What makes the network; nothing is on it yet that the caller's proxy could wait for.
          await more.compose(['create', 'aside-pod']);
          for (const [service, alias] of Object.entries(CALLED))
            await docker(['network', 'connect', '--alias', alias, network, await project.id(service)], LONG);
          await more.up();
          const reached = async (from: 'aside' | 'client'): Promise<unknown[]> =>
            (
              await call(
                project,
                from,
                Array.from({ length: 20 }, () => PRODUCTS),
              )
            ).map(({ status }) => status);
          const all = Array.from({ length: 20 }, () => 200);
          await eventually('its replicas have said their new addresses', async () => {
            assert.equal(await reached('aside'), all);
            return true;
          });
          assert.equal(await reached('client'), all);
          // Its mTLS is STRICT: nobody gets in in the clear.
          say(`${all.length} of ${all.length} requests from each network`);
        } finally {
          await more.compose(['rm', '--stop', '--force', '--volumes', ...CALLER]);
          for (const service of Object.keys(CALLED))
            await docker(['network', 'disconnect', '--force', network, await project.id(service)], LONG).catch(
              () => {},
            );
          await docker(['network', 'rm', network], LONG);
        }
      });
    },
  );
}
