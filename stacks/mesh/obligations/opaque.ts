/** Connections that are no HTTP, while an application of several stops. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import type { Driver } from '../../../scripts/lib/driver.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { isEndpoint } from '../lib/control.ts';
import { applyPolicy, unchanged } from '../lib/policy.ts';
import { metric, ours } from '../lib/proxies.ts';
import { call, freshKey, seenBy, type Outcome } from '../lib/workload.ts';

/** Connections that are opened one after the other, and such sequences side by side. */
const IN_LINE = 20;
const LINES = 4;
const STOPPED = 'echo-3';
const RUNNING = ['echo-1', 'echo-2'] as const;
/** Replicas may be found gone by the control plane before anybody called them: then once more. */
const ROUNDS = 3;

/** Open connections while something happens; each says a word, and hears it from who took it. */
async function talkWhile(project: Driver, word: string, work: () => Promise<unknown>): Promise<Outcome[]> {
  const calls = Array.from(
    { length: IN_LINE },
    () => ({ protocol: 'server-first', host: 'echo', port: 7000, body: word }) as const,
  );
  let over = false;
  const line = async (): Promise<Outcome[]> => {
    const outcomes: Outcome[] = [];
    while (!over) outcomes.push(...(await call(project, 'client', calls)));
    return outcomes;
  };
  const lines = Promise.all(Array.from({ length: LINES }, line));
  lines.catch(() => undefined);
  try {
    await work();
  } finally {
    over = true;
  }
  return (await lines).flat();
}

/** How many tries of the client's proxy found nobody. */
const missed = (project: Driver): Promise<number> =>
  metric(project, 'client', 'mesh_upstream_errors_total', { direction: 'outbound', reason: 'connect' });

export function opaqueObligations({ must }: Scenario): void {
  must(
    'hand an opaque connection to another replica when an application has stopped',
    {
      say: 'An app of three is stopped while connections are opened to a port where the server speaks first. Its proxy still takes them, and says that nobody is behind it: another replica gets them.',
      within: 240_000,
      ...ours('it does not say whether its application took a connection'),
    },
    async ({ project, say }) => {
      try {
        await applyPolicy(project, {
          echo: (echo) => {
            const ports = echo['ports'] as { port: number; protocol: string }[];
            for (const port of ports) if (port.port === 7000) port.protocol = 'tcp';
          },
        });
        const before = await missed(project);
        let elsewhere = 0;
        let opened = 0;
        let cut = 0;
        for (let round = 0; round < ROUNDS && elsewhere === 0; round++) {
          const word = freshKey('opaque');
          try {
            const outcomes = await talkWhile(project, word, async () => {
              await project.compose(['stop', STOPPED], { timeoutMs: 120_000 });
              await eventually('the control plane has heard of it', async () => !(await isEndpoint(project, STOPPED)), {
                every: 50,
              });
            });
            // What the application's kernel had taken is lost with it, and nobody can know what became of it: one a line.
            const failures = outcomes.filter(({ ok }) => !ok);
            assert.ok(
              failures.length <= LINES,
              `${failures.length} of ${outcomes.length}: ${JSON.stringify(failures)}`,
            );
            // Each was taken by one application, and by no second one.
            for (const name of RUNNING) {
              const greeted = outcomes.filter(({ text }) => text === `220 ${name} ready`).length;
              assert.is(await seenBy(project, name, word), greeted, name);
            }
            opened += outcomes.length;
            cut += failures.length;
            elsewhere = (await missed(project)) - before;
          } finally {
            await project.launch(STOPPED);
            await eventually('it is one of them again', () => isEndpoint(project, STOPPED), {
              within: 120_000,
              every: 100,
            });
          }
        }
        assert.ok(elsewhere > 0, `of ${opened} connections none found the application stopped`);
        say(
          `${opened - cut} of ${opened} connections were taken, ${elsewhere} at a second try; ${cut} ended with the application`,
        );
      } finally {
        await applyPolicy(project, { echo: unchanged });
      }
    },
  );
}
