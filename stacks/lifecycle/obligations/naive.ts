/** The same parts with the app as the owner of the network, as most examples wire it. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { certificate, fetchPage } from '../lib/client.ts';
import { expected } from '../lib/expected.ts';
import { lifeOf, signal, type Life } from '../lib/pod.ts';
import { withVariant } from '../lib/variant.ts';

/** What a visitor gets: a status, or the error's code. */
const ask = (port: number, ca: string): Promise<string> =>
  fetchPage(port, ca).then(
    ({ status }) => String(status),
    (error: NodeJS.ErrnoException) => error.code ?? error.message,
  );

export function naiveObligations({ must }: Scenario): void {
  must(
    'survive a crash of the app that strands a sidecar wired to the app itself',
    {
      say: 'The same parts without a pod, the sidecar wired to the app: network_mode: service:reports. Both apps crash, and come back.',
      within: 180_000,
    },
    async ({ project, port, say }) => {
      await withVariant({ of: project, name: 'naive', over: false }, async (naive, naivePort) => {
        await naive.up([], { timeoutMs: 90_000 });
        const cas = await Promise.all([certificate(project), certificate(naive)]);
        const askBoth = (): Promise<string[]> => Promise.all([ask(port('HTTPS'), cas[0]), ask(naivePort, cas[1])]);
        assert.equal(await askBoth(), ['200', '200'], 'both serve');
        const looked = (): Promise<Life[]> =>
          Promise.all([
            lifeOf(project, 'tls'),
            lifeOf(project, 'reports'),
            lifeOf(naive, 'tls'),
            lifeOf(naive, 'reports'),
          ]);
        const before = await looked();
        assert.is(before[2]!.network, before[3]!.network, 'the naive two begin in one network');

        const { restarts, stranded: left, served } = expected('naive', 'crash', 'reports');
        await Promise.all([signal(project, 'KILL', 'reports'), naive.crash('reports')]);
        await eventually(
          'both apps are back',
          async () => {
            const after = await looked();
            return [1, 3].every((at) => after[at]!.restarts === before[at]!.restarts + restarts);
          },
          { within: 60_000 },
        );
        await eventually("the pod's app serves again", async () => (await ask(port('HTTPS'), cas[0])) === '200', {
          within: 30_000,
        });
        const after = await looked();
        assert.is(after[0]!.network, after[1]!.network, 'in the pod, sidecar and app are together');
        assert.is(after[1]!.network, before[1]!.network, 'where they were');
        assert.is(after[2]!.network, before[2]!.network, 'the naive sidecar is where it was');
        assert.is.not(after[3]!.network, before[3]!.network, 'its app is elsewhere');
        assert.equal(after[2]!.network === after[3]!.network ? [] : ['tls'], left, 'so the sidecar is stranded');
        const [pod, stranded] = await askBoth();
        assert.is(pod, '200');
        assert.is(stranded === '200', served, 'nobody reaches the naive one');
        assert.is(
          await naive.exec('tls', ['bash', '-c', 'tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d " "']),
          'lo',
          'the stranded sidecar has but a loopback interface',
        );

        // It runs and is healthy, so compose sees nothing to do.
        assert.is((await naive.inspect('tls')).State.Health?.Status, 'healthy');
        await naive.compose(['up', '--detach'], { timeoutMs: 60_000 });
        assert.equal(await lifeOf(naive, 'tls'), after[2], 'another `up` leaves it as it is');
        assert.is.not(await ask(naivePort, cas[1]), '200', 'and does not heal it');
        say(`pod: tls and reports in ${after[0]!.network}, a visitor gets ${pod}`);
        say(`naive: tls in ${after[2]!.network}, reports in ${after[3]!.network}, a visitor gets ${stranded}`);
      });
    },
  );
}
