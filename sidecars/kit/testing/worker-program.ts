/** A sidecar whose workers count, and die when they are asked to: for the tests of kit/workers.ts. */
import { defineContract } from '#kit/contract/contract.ts';
import { runSidecar } from '#kit/life/sidecar.ts';
import { isWorker, runWorker, Workers } from '#kit/life/workers.ts';

const contract = defineContract({
  name: 'worker-program',
  version: '1.0.0',
  description: 'Workers for tests.',
  prefixes: ['TEST_'],
  adminPort: '9901',
  parameters: { TEST_WORKERS: { type: 'integer', default: '2', min: 1, description: 'How many' } },
  ports: {},
  metrics: {
    test_tasks_total: { type: 'counter', help: 'Tasks', labels: ['kind'] },
    test_seconds: { type: 'histogram', help: 'Time of a task', buckets: [1, 2] },
    test_open: { type: 'gauge', help: 'Open now' },
    test_oldest: { type: 'gauge', help: 'The oldest', aggregator: 'min' },
  },
});

type Told = { readonly greeting: string } | { readonly work: number } | { readonly die: true };

if (isWorker())
  await runWorker<typeof contract.parameters, typeof contract.metrics, Told, string>(
    contract,
    async ({ metrics, say, greeting, onMessage }) => {
      say(`heard ${JSON.stringify(greeting)}`);
      metrics.test_open.set(3);
      metrics.test_oldest.set(process.pid);
      onMessage((told) => {
        if ('work' in told) {
          metrics.test_tasks_total.inc({ kind: 'any' }, told.work);
          metrics.test_seconds.observe(told.work);
        } else if ('die' in told) setImmediate(() => (undefined as unknown as Error).message);
      });
      return { drain: async () => undefined };
    },
  );
else
  await runSidecar(contract, async ({ parameters, log, shutdown, addProcesses, adminPath }) => {
    const workers = await Workers.start<Told, string>({
      count: parameters.TEST_WORKERS,
      log,
      greet: () => [{ greeting: 'hello' }],
      onMessage: (said) => log.info(said),
    });
    addProcesses(workers);
    adminPath('/work', (_request, response) => {
      workers.send({ work: 1.5 });
      response.end();
    });
    adminPath('/die', (_request, response) => {
      workers.send({ die: true });
      response.end();
    });
    adminPath('/listening', (_request, response) => void response.end(String(workers.listening)));
    shutdown.step('workers', () => workers.drain(1000));
  });
