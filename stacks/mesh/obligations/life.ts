/** Order, and a second `up`. */
import * as assert from 'uvu/assert';
import { serviceOf } from '../../../scripts/lib/compose.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { ENVOYS, PROXIES } from '../lib/proxies.ts';

/** Before anything is restarted. */
export function orderObligations({ must }: Scenario): void {
  must(
    'start no app before its proxy is ready',
    {
      say: 'Every app began after its proxy had its certificate and its configuration, and listened.',
      within: 120_000,
    },
    async ({ project, say }) => {
      const containers = new Map((await project.containers()).map((each) => [serviceOf(each), each]));
      for (const name of PROXIES) {
        const [init, proxy, app] = [`${name}-init`, `${name}-proxy`, name].map((each) => containers.get(each)!);
        assert.is(init!.State.ExitCode, 0, `${name}-init`);
        const log = await project.logs(proxy!.Id);
        // It listens once it has its first configuration and certificate: outbound and inbound, a line each; Envoy's agent
        // has one for both.
        const lines = log.split('\n').filter((line) => line.includes('"msg":"listening"'));
        const { time } = JSON.parse(lines[ENVOYS.includes(name) ? 0 : 1]!) as { time: string };
        const [redirected, ready, begun] = [init!.State.FinishedAt, time, app!.State.StartedAt].map(Date.parse);
        assert.ok(redirected! <= ready! && ready! <= begun!, `${name}: ${redirected}, ${ready}, ${begun}`);
      }
      say(`${PROXIES.length} apps, each after its proxy`);
    },
  );
}

export function secondUpObligations({ must }: Scenario): void {
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
