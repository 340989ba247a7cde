/** The API server takes each sidecar that inject puts into a pod, in a namespace with the strictest Pod Security. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { skipped } from '#kit/testing/skipped.ts';
import { SIDECARS } from '../../tools/bundled/sidecars.ts';
import { podPatch } from '../../tools/bundled/container-spec.ts';
import { API_SERVER, missingPrograms } from './binaries.ts';
import { type ApiObject, ApiServer } from './test-api-server.ts';

const test = suite('injected pods at the API server');
const NAME = 'inject: the API server takes each sidecar in a restricted namespace';
const NAMESPACE = 'restricted';

const app = {
  name: 'app',
  image: 'app',
  securityContext: {
    runAsNonRoot: true,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
  },
};
const pod = (spec: object): ApiObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: NAMESPACE },
  spec,
});

if (missingPrograms(API_SERVER).length > 0)
  skipped(NAME, `no ${missingPrograms(API_SERVER).join(' and ')}: npm run kubernetes builds them`);
else {
  let server: ApiServer;
  test.before(async () => {
    server = await ApiServer.start();
    const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
    const metadata = { name: NAMESPACE, labels };
    assert.is((await server.apply({ apiVersion: 'v1', kind: 'Namespace', metadata })).status, 201);
    const account = { name: 'default', namespace: NAMESPACE };
    assert.is((await server.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: account })).status, 201);
  });
  test.after(() => server.stop());

  test('a container that may gain privileges is refused there', async () => {
    const { status, body } = await server.apply(pod({ containers: [{ name: 'app', image: 'app' }] }), { dryRun: true });
    assert.is(status, 403);
    assert.match(body['message'], 'violates PodSecurity "restricted');
  });

  for (const [sidecar, bundled] of Object.entries(SIDECARS))
    for (const style of ['native', 'plain'] as const)
      test(`${sidecar}, ${style}`, async () => {
        const { container, volumes, shareProcesses } = podPatch(bundled, {}, { style, registry: '' });
        const spec = {
          ...(style === 'native'
            ? { initContainers: [container], containers: [app] }
            : { containers: [app, container] }),
          volumes,
          shareProcessNamespace: shareProcesses,
        };
        const { status, body, warning } = await server.apply(pod(spec), { dryRun: true });
        assert.is(status, 201, body['message']);
        assert.is(warning, undefined);
        const [stored] = style === 'native' ? body['spec'].initContainers : body['spec'].containers.slice(1);
        assert.equal([stored.name, stored.restartPolicy], [sidecar, style === 'native' ? 'Always' : undefined]);
      });
  test.run();
}
