/** Order, jobs that end, and a second `up`. */
import * as assert from 'uvu/assert';
import type { Scenario } from '../../../scripts/lib/scenario.ts';
import { PROXIES } from '../proxies.ts';

export function lifeObligations({ must }: Scenario): void {
  must(
    'start no app before its proxy is ready',
    { say: 'Every app began after its proxy was ready.', within: 60_000 },
    async ({ project }) => {
      const containers = await project.containers();
      const service = (name: string) =>
        containers.find(({ Config }) => Config.Labels['com.docker.compose.service'] === name)!;
      const proxies = containers.filter(({ Config }) =>
        Config.Labels['com.docker.compose.service']!.endsWith('-proxy'),
      );
      assert.is(proxies.length, PROXIES);
      for (const { Config, Created } of proxies) {
        const name = Config.Labels['com.docker.compose.service']!.replace(/-proxy$/, '');
        const init = service(`${name}-init`);
        assert.is(init.State.ExitCode, 0, `${name}-init`);
        assert.ok(Date.parse(init.State.FinishedAt) <= Date.parse(service(name).State.StartedAt), name);
        assert.ok(Created !== '', name);
      }
    },
  );

  must(
    'change nothing at a second `docker compose up`',
    { say: 'Bringing the stack up a second time changes nothing.', within: 180_000 },
    async ({ project }) => {
      const lasting = async (): Promise<string[]> =>
        (await project.containers())
          .filter(({ State }) => State.Running)
          .map(({ Id, State }) => `${Id} ${State.StartedAt}`)
          .toSorted();
      const before = await lasting();
      await project.up();
      assert.equal(await lasting(), before);
    },
  );
}
