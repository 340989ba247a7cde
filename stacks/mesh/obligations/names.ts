/** Names of the mesh are answered by the proxy; Docker's go on. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { applyPolicy, unchanged } from '../lib/policy.ts';
import { call, type Call } from '../lib/workload.ts';

/** policy.yaml gives it to the catalogue; nobody else knows it. */
const OF_THE_MESH: Call = { protocol: 'http/1.1', host: 'products.mesh', port: 8000, path: '/products' };
const OF_DOCKER: Call = { protocol: 'http/1.1', host: 'control-plane', port: 8080, path: '/api/graph' };
const OF_NOBODY: Call = { ...OF_THE_MESH, host: 'nobody.mesh', timeoutMs: 60_000 };

export function nameObligations({ must }: Scenario): void {
  must(
    "answer the mesh's own names, and leave Docker's as they are",
    {
      say: 'The policy gives the catalogue a name that Docker does not know. In a pod whose DNS is captured it leads there; Docker’s names go on, and where no proxy is there is no such name.',
      within: 120_000,
    },
    async ({ project, say }) => {
      await applyPolicy(project, { catalogue: unchanged });
      const [mesh, docker] = await call(project, 'client', [OF_THE_MESH, OF_DOCKER]);
      assert.is(mesh!.status, 200, JSON.stringify(mesh));
      assert.match(String(mesh!.headers?.['x-catalogue-release']), /^[12]$/, 'the catalogue answers');
      assert.is(docker!.status, 200, JSON.stringify(docker));
      const [outside] = await call(project, 'stranger', [OF_THE_MESH]);
      assert.not(outside!.ok);
      await eventually('what nobody knows is answered as it is without a mesh', async () => {
        const [[meshed], [plain]] = await Promise.all([
          call(project, 'client', [OF_NOBODY]),
          call(project, 'stranger', [OF_NOBODY]),
        ]);
        assert.is(meshed!.error, plain!.error);
        return true;
      });
      say(`${OF_THE_MESH.host}: ${mesh!.status} in the mesh, ${outside!.error} outside`);
    },
  );
}
