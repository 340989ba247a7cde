/** The admission webhook beside a real API server: as its own account, asked about pods that are created. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { skipped } from '#kit/testing/skipped.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { Keeper } from '../../servers/webhook/src/certificate/keeper.ts';
import { Api } from '../../servers/webhook/src/cluster/api.ts';
import { Events } from '../../servers/webhook/src/cluster/events.ts';
import { Reviewer } from '../../servers/webhook/src/review/reviewer.ts';
import { ReviewServer } from '../../servers/webhook/src/server.ts';
import { webhookManifests } from '../../tools/webhook/manifests.ts';
import { API_SERVER, missingPrograms } from './binaries.ts';
import { type ApiObject, ApiServer, type Reply } from './test-api-server.ts';

const test = suite('webhook at the API server');
const NAME = 'webhook: an API server takes its manifests, asks it, and goes on without it';
const OWN = 'sidecar-stacks';
const SHOP = 'shop';
const SOON = { within: 60_000, every: 100 };
const OPTIONS = { style: 'native', registry: 'registry.example/', namespace: OWN, replicas: 2 } as const;

const object = (kind: string, name: string, rest: object = {}, namespace = SHOP): ApiObject => ({
  apiVersion: 'v1',
  kind,
  metadata: { name, namespace },
  ...rest,
});

let pods = 0;
const podOf = (annotations: Record<string, string>, spec: object = {}): ApiObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: `p${(pods += 1)}`, namespace: SHOP, annotations },
  spec: { containers: [{ name: 'app', image: 'app', ports: [{ containerPort: 8000 }] }], ...spec },
});

if (missingPrograms(API_SERVER).length > 0)
  skipped(NAME, `no ${missingPrograms(API_SERVER).join(' and ')}: npm run kubernetes builds them`);
else {
  let api: ApiServer;
  let server: ReviewServer;
  let keeper: Keeper;
  const outcomes: string[] = [];

  const create = async (pod: ApiObject): Promise<Reply> => {
    const reply = await api.call('POST', await api.pathOf(pod), pod);
    assert.is(reply.status, 201, reply.body['message']);
    return reply;
  };
  const sidecarsOf = ({ body }: Reply): string[] =>
    ((body['spec'].initContainers ?? []) as { name: string }[]).map(({ name }) => name);
  /** The API server hears of configurations some time after they are stored. */
  const until = (what: string, wanted: readonly string[], annotations = TOPZ): Promise<unknown> =>
    eventually(
      what,
      async () => JSON.stringify(sidecarsOf(await create(podOf(annotations)))) === JSON.stringify(wanted),
      SOON,
    );
  const TOPZ = { 'sidecar-stacks.dev/inject': 'topz' };

  test.before(async () => {
    api = await ApiServer.start();
    // There is no Service that leads to this process: the same webhooks by its own address.
    for (const manifest of webhookManifests(OPTIONS) as ApiObject[])
      assert.is((await api.apply(manifest)).status, 201, `${manifest.kind} ${manifest.metadata.name}`);
    const labels = { 'inject.sidecar-stacks.dev/tls': 'true' };
    const namespaces = [
      object('Namespace', SHOP),
      { ...object('Namespace', 'labelled'), metadata: { name: 'labelled', labels } },
    ];
    for (const { metadata, ...rest } of namespaces)
      assert.is(
        (await api.apply({ ...rest, metadata: { name: metadata.name!, ...('labels' in metadata && { labels }) } }))
          .status,
        201,
      );
    for (const namespace of [SHOP, 'labelled'])
      assert.is((await api.apply(object('ServiceAccount', 'default', {}, namespace))).status, 201);
    const { body } = await api.call('POST', `/api/v1/namespaces/${OWN}/serviceaccounts/sidecar-stacks-webhook/token`, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {},
    });
    const account = temporaryDirectory('account');
    mkdirSync(account, { recursive: true });
    writeFileSync(join(account, 'token'), body['status'].token as string, { mode: 0o600 });
    writeFileSync(join(account, 'ca.crt'), api.ca);
    writeFileSync(join(account, 'namespace'), OWN);
    const asItself = new Api(new URL(api.url), account);
    const events = new Events({ api: asItself, onDropped: (error) => assert.unreachable(String(error)) });
    const reviewer = new Reviewer({
      container: OPTIONS,
      onReviewed: (outcome) => outcomes.push(outcome),
      onSkipped: (pod, message) => events.skipped(pod, message),
    });
    server = new ReviewServer({
      port: 0,
      review: (path, text) => reviewer.review(path, text),
      onRefused: () => outcomes.push('refused'),
    });
    await server.listen();
    keeper = new Keeper({
      api: asItself,
      secret: 'sidecar-stacks-webhook',
      configuration: 'sidecar-stacks',
      names: ['localhost'],
      lifetime: 3_600_000,
      onDamaged: () => assert.unreachable('damaged'),
      onRenewed: () => {},
    });
    await lead();
    await keeper.look();
    server.serve(keeper.pair);
    await until('the API server asks the webhook', ['topz']);
  });
  test.after(async () => {
    await server?.close(AbortSignal.timeout(0));
    await api?.stop();
  });

  /** Let the configuration lead to this process. */
  async function lead(caBundle?: string): Promise<void> {
    const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/sidecar-stacks';
    const { body } = await api.call('GET', path);
    for (const { clientConfig } of body['webhooks']) {
      const at = clientConfig.service?.path ?? new URL(clientConfig.url as string).pathname;
      delete clientConfig.service;
      clientConfig.url = `https://localhost:${server.port}${at}`;
      if (caBundle !== undefined) clientConfig.caBundle = caBundle;
    }
    const { status, body: answer } = await api.call('PUT', path, body);
    assert.is(status, 200, answer['message']);
  }

  test('a pod that asks by annotation is stored with its sidecars', async () => {
    const reply = await create(podOf({ 'sidecar-stacks.dev/inject': 'tls, topz' }));
    assert.equal([sidecarsOf(reply), reply.warning], [['tls', 'topz'], undefined]);
    assert.is(reply.body['spec'].initContainers[0].restartPolicy, 'Always');
  });

  test('a namespace with a label gives its pods that sidecar; a pod that does not ask passes none', async () => {
    const labelled = await create({ ...podOf({}), metadata: { name: 'l', namespace: 'labelled' } });
    assert.equal(sidecarsOf(labelled), ['tls']);
    const count = outcomes.length;
    assert.equal(sidecarsOf(await create(podOf({}))), []);
    assert.is(outcomes.length, count);
  });

  test('a pod that cannot have a sidecar is created, with a warning and an event', async () => {
    const pod = podOf(
      { 'sidecar-stacks.dev/inject': 'tls' },
      { hostNetwork: true, containers: [{ name: 'app', image: 'app' }] },
    );
    const reply = await create(pod);
    assert.equal(sidecarsOf(reply), []);
    assert.match(reply.warning!, /tls was not injected: the pod has hostNetwork/);
    await eventually(
      'there is an event',
      async () => {
        const { body } = await api.call('GET', `/api/v1/namespaces/${SHOP}/events`);
        return (body['items'] as Record<string, any>[]).some(
          ({ reason, involvedObject }) => reason === 'SidecarSkipped' && involvedObject.name === pod.metadata.name,
        );
      },
      SOON,
    );
  });

  test('without a trusted certificate, and with a wrong bundle, pods are created without sidecars', async () => {
    const { cert } = keeper.pair!;
    const { makePair } = await import('../../servers/webhook/src/certificate/pair.ts');
    server.serve(await makePair(['localhost'], 3_600_000, Date.now()));
    await until('pods start without', []);
    server.serve(keeper.pair);
    assert.is(keeper.pair!.cert, cert);
    await until('trust is back', ['topz']);
    await lead(
      Buffer.from(await makePair(['localhost'], 3_600_000, Date.now()).then((each) => each.cert)).toString('base64'),
    );
    server.serve(undefined);
    await until('its certificate is trusted no more', []);
    await keeper.look();
    server.serve(keeper.pair);
    await until('the bundle is mended', ['topz']);
  });

  test('its account may not do what it need not', async () => {
    const { body } = await api.call('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: {
        user: `system:serviceaccount:${OWN}:sidecar-stacks-webhook`,
        resourceAttributes: { namespace: OWN, verb: 'list', resource: 'secrets' },
      },
    });
    assert.is(body['status'].allowed, false);
  });
  test.run();
}
