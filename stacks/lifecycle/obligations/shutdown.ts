/** The end of the pod: the app first, its sidecars after it. */
import { finished } from 'node:stream/promises';
import * as assert from 'uvu/assert';
import { eventually, TerminalState } from '#kit/testing/eventually.ts';
import { explain } from '#kit/text/explain.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { certificate, fetchPage, open } from '../lib/client.ts';
import { byService, LASTING, millis } from '../lib/pod.ts';

export function shutdownObligations({ must }: Scenario): void {
  must(
    'keep its sidecars serving while the app shuts down, and stop them after it',
    {
      say: 'The pod is told to stop in the middle of a long report. The app prints it to its end, through a sidecar that is still there.',
      within: 120_000,
    },
    async ({ project, port, say }) => {
      const ca = await certificate(project);
      const since = Date.now();
      // 21 lines, one each 0.1 s.
      const response = await open(port('HTTPS'), ca, '/reports/january?pace=0.1');
      let body = '';
      response.on('data', (chunk: Buffer) => (body += String(chunk)));
      const ended = finished(response);
      // Awaited below, once what happens meanwhile has been looked at.
      ended.catch(() => {});
      await eventually('the report is being printed', () => body.split('\n').length > 3);
      // With its file: by the project's name alone, compose knows the order from the containers' labels
      // only, and `up --no-deps` leaves that out of those it makes.
      const stopped = project.compose(['--file', 'compose.yaml', 'stop'], { timeoutMs: 60_000 });
      await eventually(
        'the app was told to stop',
        async () => (await project.logs(await project.id('reports'), 5)).includes('told to stop'),
        { every: 20 },
      );
      const lines = body.split('\n').length;
      const runs = async (): Promise<boolean> => (await project.inspect('reports')).State.Running;
      await eventually(
        'the sidecar answers for an app that takes no more',
        async () => {
          const status = await fetchPage(port('HTTPS'), ca).then(
            (page) => page.status,
            (error: unknown) => error,
          );
          // A busy machine looks when both have ended: the order of their ends says the same, below.
          if (status === 503 || !(await runs())) return true;
          if (typeof status !== 'number')
            throw new TerminalState(`the app still runs, and its sidecar answers nobody: ${explain(status)}`);
          return false;
        },
        { every: 20 },
      );
      await ended;
      await stopped;
      assert.match(body, /210 {2}total of january\n$/, 'the report is whole');
      assert.ok(lines < 20, `most of it was printed after that (${lines} lines before)`);

      const containers = byService(await project.containers());
      const end = (service: string): number => millis(containers.get(service)!.State.FinishedAt);
      for (const service of LASTING) assert.ok(end(service) > since, `${service} has stopped`);
      for (const sidecar of ['tls', 'probe']) {
        assert.ok(end('reports') <= end(sidecar), `${sidecar} stopped after the app`);
        assert.ok(end(sidecar) <= end('pod'), `and the pod after ${sidecar}`);
        assert.is(containers.get(sidecar)!.State.ExitCode, 0);
      }
      assert.is(containers.get('reports')!.State.ExitCode, 0);
      const first = end('reports');
      say(
        `app, then after ${end('tls') - first} ms tls, ${end('probe') - first} ms probe, ${end('pod') - first} ms pod`,
      );
      await project.up([], { timeoutMs: 90_000 });
      await eventually('the pod serves again', async () => (await fetchPage(port('HTTPS'), ca)).status === 200, {
        within: 30_000,
      });
    },
  );

  must(
    'change nothing at a second `docker compose up`',
    { say: 'Bringing the pod up a second time changes nothing.' },
    async ({ project }) => {
      const lasting = async (): Promise<string[]> => {
        const containers = byService(await project.containers());
        return LASTING.map((service) => `${containers.get(service)!.Id} ${containers.get(service)!.State.StartedAt}`);
      };
      const before = await lasting();
      await project.up();
      assert.equal(await lasting(), before);
    },
  );
}
