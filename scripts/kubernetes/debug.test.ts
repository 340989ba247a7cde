/** The API server takes the ephemeral container that `debug pod/NAME` asks kubectl for. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { skipped } from '#kit/testing/skipped.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { containerSettings, debugArguments } from '../../tools/debug/ephemeral.ts';
import { API_SERVER, missingPrograms, pathOf } from './binaries.ts';
import { type ApiObject, ApiServer } from './test-api-server.ts';

const test = suite('debug at the API server');
const NAME = 'debug: the API server takes its ephemeral container';
const missing = missingPrograms([...API_SERVER, 'kubectl']);

if (missing.length > 0) skipped(NAME, `no ${missing.join(' and ')}: npm run kubernetes builds them`);
else {
  let api: ApiServer;
  let folder: string;
  test.before(async () => {
    api = await ApiServer.start();
    folder = temporaryDirectory('kubectl');
    writeFileSync(join(folder, 'config'), JSON.stringify(api.kubeconfig), { mode: 0o600 });
  });
  test.after(() => api?.stop());

  for (const restricted of [false, true])
    test(`restricted: ${restricted}: it sees the processes of the container that is named`, async () => {
      const name = restricted ? 'p-restricted' : 'p';
      const pod: ApiObject = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name },
        spec: { containers: [{ name: 'app', image: 'app' }] },
      };
      assert.is((await api.apply(pod)).status, 201);
      const request = {
        pod: name,
        namespace: 'default',
        context: undefined,
        container: undefined,
        image: 'sidecar-stacks/debug-tools:dev',
        restricted,
        command: ['ss'],
        terminal: false,
      };
      const settings = join(folder, 'settings');
      writeFileSync(settings, JSON.stringify(containerSettings(request)));
      // There is no node, so nothing runs that could be attached to.
      const args = debugArguments(request, 'debug-1', 'app', settings).filter((each) => each !== '--attach');
      const env = { ...process.env, KUBECONFIG: join(folder, 'config') };
      const { status, stderr } = spawnSync(pathOf('kubectl'), args, { env, encoding: 'utf8', timeout: 120_000 });
      assert.is(status, 0, stderr);
      const { body } = await api.call('GET', `/api/v1/namespaces/default/pods/${name}`);
      const [container] = body['spec'].ephemeralContainers as [Record<string, any>];
      assert.equal(
        [
          container['name'],
          container['targetContainerName'],
          container['imagePullPolicy'],
          container['command'] ?? container['args'],
        ],
        ['debug-1', 'app', 'Never', ['ss']],
      );
      const { capabilities, runAsUser } = container['securityContext'];
      assert.equal([runAsUser === 0, 'add' in capabilities], restricted ? [false, false] : [true, true]);
      assert.equal(capabilities.drop, ['ALL']);
    });
  test.run();
}
