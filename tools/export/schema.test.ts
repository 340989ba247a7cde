/** The check of manifests finds what a cluster would refuse. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { mistakesIn } from './test-schema.ts';

const test = suite('export: the check of manifests');

const good = (): Record<string, any> => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web' },
  spec: {
    initContainers: [{ name: 'first', image: 'a:1', restartPolicy: 'Always' }],
    containers: [{ name: 'web', image: 'a:1', volumeMounts: [{ name: 'data', mountPath: '/data' }] }],
    volumes: [{ name: 'data', emptyDir: { medium: 'Memory' } }],
  },
});

test('what is right passes', () => assert.equal(mistakesIn(good()), []));

const WRONG: Readonly<Record<string, (pod: Record<string, any>) => void>> = {
  'a missing field': (pod) => delete pod['spec'].containers[0].name,
  'a wrong type': (pod) => (pod['spec'].terminationGracePeriodSeconds = 'soon'),
  'a key that is misspelt': (pod) => (pod['spec'].containers[0].livenesProbe = {}),
  'a word that is none': (pod) => (pod['spec'].restartPolicy = 'Sometimes'),
  'a kind that is none of ours': (pod) => (pod['kind'] = 'CronJob'),
  'a volume that is not there': (pod) => (pod['spec'].volumes = []),
  'a container twice': (pod) => (pod['spec'].initContainers[0].name = 'web'),
  'a path mounted twice': (pod) => pod['spec'].containers[0].volumeMounts.push({ name: 'data', mountPath: '/data' }),
  'a probe of what ends': (pod) =>
    (pod['spec'].initContainers = [{ name: 'first', image: 'a:1', startupProbe: { exec: { command: ['x'] } } }]),
  'a name that is none': (pod) => (pod['metadata'].name = 'Web_1'),
};
for (const [what, damage] of Object.entries(WRONG))
  test(`${what} is found`, () => {
    const pod = good();
    damage(pod);
    assert.ok(mistakesIn(pod).length > 0);
  });

test.run();
