/** A pod whose app is a job: it ends, and its sidecars would go on for ever. */
import * as assert from 'uvu/assert';
import { EngineError } from '../../../scripts/lib/engine.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { byService, LASTING } from '../lib/pod.ts';
import { withVariant } from '../lib/variant.ts';

export function jobObligations({ must }: Scenario): void {
  for (const [month, code] of [
    ['january', 0],
    ['nomonth', 3],
  ] as const) {
    must(
      `end with its app's exit code when the app is a job (${code})`,
      {
        say:
          code === 0
            ? 'The same pod with a job for an app: it adds up a month and ends. The sidecars end with it.'
            : 'A job that fails: its exit code is what the whole stack ends with.',
        within: 120_000,
      },
      async ({ project, say }) => {
        await withVariant({ of: project, name: 'job', over: true, env: { JOB_MONTH: month } }, async (job) => {
          // Nothing but the exit of the app ends this: of the init container nothing is attached.
          const [exit, said] = await job
            .compose(['up', '--no-attach', 'prepare', '--exit-code-from', 'reports'], { timeoutMs: 90_000 })
            .then(
              () => [0, ''] as const,
              (error: unknown) =>
                error instanceof EngineError && error.reason === 'failed'
                  ? ([error.exitCode, error.stderr.join('\n')] as const)
                  : Promise.reject(error as Error),
            );
          assert.is(exit, code, `exit code of docker compose up, which said:\n${said}`);
          const containers = byService(await job.containers());
          assert.is(containers.get('reports')!.State.ExitCode, code);
          for (const service of LASTING) assert.not(containers.get(service)!.State.Running, `${service} has stopped`);
          const log = await job.logs(containers.get('reports')!.Id);
          say(`${log.trim()}; exit code ${exit}`);
        });
      },
    );
  }
}
