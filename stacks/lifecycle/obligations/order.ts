/** Who starts first, who waits for whom, and what is said when somebody never comes. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { explainUp } from '../../../scripts/runner/failure.ts';
import { certificate, fetchPage } from '../lib/client.ts';
import { byService, happened, initEnd, LASTING, millis } from '../lib/pod.ts';
import { withVariant } from '../lib/variant.ts';

/** Milliseconds by which variants/slow.yaml holds its sidecar back. */
const SLOW = 3000;

/**
 * @param own obligations of the run's own pod
 * @param others those of pods that are made for one obligation
 */
export function orderObligations({ must }: Scenario, others: Scenario): void {
  must(
    'run its init container once, to its end, before all else',
    {
      say: 'An init container makes a certificate and some reports, and ends. Nothing else starts before that.',
    },
    async ({ project, port, say }) => {
      const ended = millis(await initEnd(project));
      const containers = byService(await project.containers());
      for (const service of LASTING)
        assert.ok(millis(containers.get(service)!.State.StartedAt) >= ended, `${service} started after it had ended`);
      assert.is(containers.get('prepare')!.HostConfig.RestartPolicy.Name, 'no');
      const { status, body } = await fetchPage(port('HTTPS'), await certificate(project), '/reports/march');
      assert.is(status, 200, 'its certificate is served, and its last report');
      assert.match(body, /630 {2}total of march/);
      const first = Math.min(...LASTING.map((service) => millis(containers.get(service)!.State.StartedAt)));
      say(`it ended ${first - ended} ms before the first of the others started`);
    },
  );

  must(
    'have its sidecars healthy before the app starts',
    { say: 'The sidecars start first. The app starts when both are healthy.' },
    async ({ project }) => {
      const containers = byService(await project.containers());
      const app = millis(containers.get('reports')!.State.StartedAt);
      for (const sidecar of ['tls', 'probe']) {
        const checks = containers.get(sidecar)!.State.Health!.Log;
        const healthy = checks.filter(({ ExitCode }) => ExitCode === 0).map(({ End }) => millis(End));
        assert.ok(Math.min(...healthy) <= app, `${sidecar} was healthy when the app started`);
      }
    },
  );

  others.must(
    'let a sidecar that is slow to start delay the app',
    {
      say: `In a second pod, the TLS sidecar takes ${SLOW / 1000} seconds longer to start. The app waits for it.`,
      within: 120_000,
    },
    async ({ project, say }) => {
      await withVariant({ of: project, name: 'slow', over: true }, async (slow) => {
        const up = slow.up([], { timeoutMs: 90_000 });
        // Seen below, when all is up; until then nobody is there to catch it.
        up.catch(() => {});
        const waiting = await eventually(
          'the sidecar is on its way',
          async () => {
            const { State } = await slow.inspect('tls');
            return State.Running && State.Health?.Status === 'starting' && slow.inspect('reports');
          },
          { within: 60_000 },
        );
        assert.not(happened(waiting.State.StartedAt), 'the app does not run yet');
        await up;
        const containers = byService(await slow.containers());
        const late =
          millis(containers.get('reports')!.State.StartedAt) - millis(containers.get('tls')!.State.StartedAt);
        assert.ok(late >= SLOW, `the app started ${late} ms after the sidecar`);
        say(`the app started ${(late / 1000).toFixed(1)} s after the sidecar`);
      });
    },
  );

  others.must(
    'say what is wrong when a sidecar never starts, and not start the app',
    {
      say: 'In another, the sidecar is given a mode that does not exist. The app is not started, and one sentence says why.',
      within: 120_000,
    },
    async ({ project, say }) => {
      await withVariant({ of: project, name: 'broken', over: true }, async (broken) => {
        const failure = await broken.up([], { timeoutMs: 90_000 }).then(
          () => assert.unreachable('it came up'),
          (error: unknown) => explainUp(broken, error),
        );
        assert.match(failure!.message, /^tls \(container .*-tls-1\) (exited with 64|did not become healthy)/);
        const log = failure!.log!.join('\n');
        assert.match(log, /TLS_MODE: "carrier pigeon" is not a choice; accepted is one of http, tcp/);
        assert.not(happened((await broken.inspect('reports')).State.StartedAt), 'the app never ran');
        say(failure!.message);
        say(failure!.log!.at(-1)!);
      });
    },
  );
}
