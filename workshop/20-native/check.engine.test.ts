/** The key of the exercise is what a real kubelet does. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { skipped } from '#kit/testing/skipped.ts';
import { isUp, KUBECONFIG } from '../../scripts/kubernetes/cluster.ts';
import { kubectl } from '../../scripts/kubernetes/kubectl.ts';
import { timeline, type Change, type WatchOptions } from '../../scripts/kubernetes/timeline.ts';
import { KEY, WAYS, type Way } from './check.ts';

const test = suite('exercise 20 on a cluster');
const CLUSTER = { kubeconfig: KUBECONFIG, context: undefined, namespace: undefined };
/** Enough for each container to start and for report, which takes three seconds, to end. */
const WITHIN = 30_000;
/** What goes on for so long after report has ended does not end with it, in milliseconds. */
const GOES_ON = 5000;

const follow = (way: Way, options: Partial<WatchOptions> = {}): Promise<Change[]> =>
  timeline(CLUSTER, parse(readFileSync(join(import.meta.dirname, 'start', `${way}.yaml`), 'utf8')), {
    within: WITHIN,
    ...options,
  });

const isStart = ({ what }: Change): boolean => /^(?:started|ready)/.test(what);
const startOf = (changes: readonly Change[], who: string): number =>
  changes.findIndex((change) => change.who === who && isStart(change));

if (!(await isUp()))
  skipped('workshop: exercise 20 is what a real cluster does', 'no cluster: npm run kubernetes -- up');
else {
  for (const way of WAYS)
    test(`${way}: who starts, in which order, and whether the pod ends`, async () => {
      let ended = Infinity;
      const changes = await follow(way, {
        onChange: ({ who, what }) => {
          if (who === 'report' && what === 'ended 0') ended = performance.now();
        },
        until: (seen) =>
          seen.some(({ who, what }) => who === 'pod' && what === 'Succeeded') || performance.now() - ended > GOES_ON,
        // An init container that never ends shows nothing more.
        ...(way === 'init' && { within: 2 * GOES_ON }),
      });
      const [report, shipper] = [startOf(changes, 'report'), startOf(changes, 'shipper')];
      assert.ok(shipper >= 0, JSON.stringify(changes));
      assert.is(report >= 0, KEY['report_starts']![way]);
      assert.is(
        changes.some(({ who, what }) => who === 'pod' && what === 'Succeeded'),
        KEY['pod_ends']![way],
      );
      const isFirst = report < 0 || (shipper < report && changes[shipper]!.at < changes[report]!.at);
      assert.is(isFirst, KEY['shipper_first']![way]);
    });

  for (const way of ['plain', 'native'] as const)
    test(`${way}: whether a shipper that has ended is started again`, async () => {
      const changes = await follow(way, {
        meanwhile: async (reach, pod) => {
          // With the container, what was run in it ends.
          await kubectl(reach, ['exec', pod, '--container=shipper', '--', 'bash', '-c', 'kill -TERM 1']).catch(
            () => {},
          );
        },
        until: (seen) => {
          const end = seen.findIndex(({ who, what }) => who === 'shipper' && what.startsWith('ended'));
          return (
            end >= 0 &&
            seen
              .slice(end)
              .some(({ who, what }) => (who === 'pod' ? what === 'Succeeded' : isStart({ at: 0, who, what })))
          );
        },
      });
      const again = changes.some(({ who, what }) => who === 'shipper' && what.endsWith('start 2'));
      assert.is(again, KEY['shipper_comes_back']![way]);
    });
  test.run();
}
