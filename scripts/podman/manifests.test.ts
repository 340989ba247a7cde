/** What podman is given of an export, and what it is told beside it. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseAllDocuments } from 'yaml';
import { exportOf, stacks } from '../../tools/export/golden.ts';
import { objectsOf, type Manifest } from '../lib/exported.ts';
import { infraOf, playOf, runArguments } from './manifests.ts';

const test = suite('manifests for podman');

const plays = (stack: string) => {
  const { files, pods } = exportOf(stack, { style: 'plain', bare: true });
  const objects = objectsOf(files);
  return new Map(pods.map(({ name }) => [name, playOf(name, objects)]));
};
const documents = (text: string): Manifest[] => parseAllDocuments(text).map((document) => document.toJS() as Manifest);

test("a pod's Services are names and ports on podman's command line", () => {
  const { aliases, published, text } = plays('https').get('guestbook')!;
  assert.equal(aliases, ['guestbook-pod']);
  assert.equal(published, [
    { port: 8443, target: 8443, protocol: 'TCP' },
    { port: 8080, target: 8081, protocol: 'TCP' },
  ]);
  assert.equal(
    documents(text).map(({ kind }) => kind),
    ['Pod'],
  );
});

test('init containers are kept, and the container of the network has a name', () => {
  const { pod } = plays('config').get('board')!;
  assert.is(pod['metadata'].annotations['io.podman.annotations.init.container.type'], 'always');
  assert.is(pod['metadata'].annotations['io.podman.annotations.infra.name'], infraOf('board'));
});

test("a pod's own volumes are claims of podman's, memory as large as it was", () => {
  const { pod, volumes } = plays('config').get('board')!;
  const volume = (pod['spec'].volumes as Manifest[]).find(({ name }) => name === 'board-file')!;
  assert.equal(volume, { name: 'board-file', persistentVolumeClaim: { claimName: 'board_board-file' } });
  assert.equal(
    volumes.find(({ name }) => name === 'board_board-file'),
    { name: 'board_board-file', kind: '512k' },
  );
  assert.equal(
    volumes.find(({ name }) => name === 'board-token'),
    { name: 'board-token', kind: 'claim' },
  );
});

test("a pod's containers are of the group that its volumes belong to", () => {
  const { fsGroup, supplementalGroups } = plays('config').get('board')!.pod['spec'].securityContext as Manifest;
  assert.is(fsGroup, 990);
  assert.equal(supplementalGroups, [990]);
});

test('volumes of every kind are made before, each once', () => {
  const spec = {
    securityContext: { fsGroup: 7, supplementalGroups: [4, 7] },
    containers: [{ name: 'a', image: 'a:1' }],
    volumes: [
      { name: 'memory', emptyDir: { medium: 'Memory', sizeLimit: '1Gi' } },
      { name: 'scratch', emptyDir: {} },
      { name: 'lasting', persistentVolumeClaim: { claimName: 'a-lasting' } },
      { name: 'settings', configMap: { name: 'settings' } },
    ],
  };
  const { pod, volumes } = playOf('a', [{ kind: 'Pod', metadata: { name: 'a' }, spec }]);
  assert.equal(volumes, [
    { name: 'a_memory', kind: '1g' },
    { name: 'a_scratch', kind: 'disk' },
    { name: 'a-lasting', kind: 'claim' },
  ]);
  assert.equal(pod['spec'].securityContext.supplementalGroups, [4, 7]);
  assert.equal(
    (pod['spec'].volumes as Manifest[]).map((each) => Object.keys(each)[1]),
    ['persistentVolumeClaim', 'persistentVolumeClaim', 'persistentVolumeClaim', 'configMap'],
  );
});

test('a pod brings the ConfigMaps that it mounts', () => {
  const kinds = documents(plays('config').get('rates')!.text).map(({ kind, metadata }) => `${kind} ${metadata.name}`);
  assert.equal(kinds, ['ConfigMap settings', 'Pod rates']);
});

test('a one-off is what its container is', () => {
  const { pod } = plays('https').get('pki')!;
  const [spec] = pod['spec'].containers as Manifest[];
  const args = runArguments(spec!, pod['spec'].volumes as Manifest[], 'stack').join(' ');
  assert.match(
    args,
    /^run --rm --network stack --user 65532:65532 --read-only --security-opt no-new-privileges --cap-drop=ALL /,
  );
  assert.match(
    args,
    /--volume pki:\/pki --volume guestbook-certs:\/certs\/guestbook --volume broker-certs:\/certs\/broker/,
  );
  assert.match(args, / sidecar-stacks\/pki:dev$/);
});

test("a value's dollars are those of the container again", () => {
  const spec = {
    containers: [
      {
        name: 'a',
        image: 'a:1',
        args: ['$$(date) $HOME'],
        env: [{ name: 'A', value: 'x $$(HOME) $HOME' }],
        startupProbe: { exec: { command: ['$$$'] } },
      },
    ],
  };
  const [container] = playOf('a', [{ kind: 'Pod', metadata: { name: 'a' }, spec }]).pod['spec']
    .containers as Manifest[];
  assert.equal(container!['args'], ['$(date) $HOME']);
  assert.is(container!['env'][0].value, 'x $(HOME) $HOME');
  assert.equal(container!['startupProbe'].exec.command, ['$$']);
  const args = runArguments(container!, [], 'stack');
  assert.equal(args.slice(args.indexOf('--env')), ['--env', 'A=x $(HOME) $HOME', 'a:1']);
});

for (const stack of stacks())
  test(`every pod of ${stack} can be played`, () => {
    for (const [name, { text, pod }] of plays(stack)) {
      assert.is(pod['metadata'].name, name);
      for (const { spec } of documents(text).filter(({ kind }) => kind === 'Pod'))
        for (const { restartPolicy } of spec.initContainers ?? []) assert.is(restartPolicy, undefined);
    }
  });

test.run();
