/** The API server takes what export writes: defaulted, validated and admitted, unknown fields refused, nothing stored. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseAllDocuments } from 'yaml';
import { eventually } from '#kit/testing/eventually.ts';
import { skipped } from '#kit/testing/skipped.ts';
import { COMPONENTS } from '../../tools/export/components.ts';
import type { Exported } from '../../tools/export/export.ts';
import { exportOf, golden, goldenText, stacks } from '../../tools/export/golden.ts';
import { API_SERVER, missingPrograms } from './binaries.ts';
import { definitions, hasDefinitions } from './definitions.ts';
import { type ApiObject, ApiServer } from './test-api-server.ts';

const test = suite('dry run by the API server');
const NAME = 'export: each golden file passes a dry run of the API server';
/** 1.34 warns so of each headless Service, because it has put in the default affinity itself before it looks. */
const HEADLESS = '299 - "spec.SessionAffinity is ignored for headless services"';

/** Objects of an export below a folder, but not the kustomizations and patches, which are for kubectl alone. */
const objectsIn = ({ files }: Exported, folder: string): ApiObject[] =>
  files
    .filter(({ path }) => path.startsWith(`${folder}/`) && path.endsWith('.yaml') && !path.endsWith('/patches.yaml'))
    .flatMap(({ text }) => parseAllDocuments(text).map((document) => document.toJS() as ApiObject | null))
    .filter((object) => object !== null)
    .filter(({ apiVersion }) => !apiVersion.startsWith('kustomize.config.k8s.io/'));

if (missingPrograms(API_SERVER).length > 0)
  skipped(NAME, `no ${missingPrograms(API_SERVER).join(' and ')}: npm run kubernetes builds them`);
else {
  let server: ApiServer;
  test.before(async () => {
    server = await ApiServer.start();
  });
  test.after(() => server.stop());

  test('what the server would not take is refused: an unknown field, a wrong word', async () => {
    const pod = (spec: object): ApiObject => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec });
    const container = { name: 'a', image: 'x' };
    const refused = await server.apply(pod({ containers: [{ ...container, imagePullPolcy: 'Never' }] }), {
      dryRun: true,
    });
    assert.match(JSON.stringify(refused.body), 'imagePullPolcy');
    assert.ok(refused.status >= 400, String(refused.status));
    const restart = await server.apply(pod({ containers: [container], restartPolicy: 'Sometimes' }), { dryRun: true });
    assert.is(restart.status, 422);
    assert.is((await server.apply(pod({ containers: [container] }), { dryRun: true })).status, 201);
  });

  for (const stack of stacks())
    for (const style of ['native', 'plain'] as const)
      test(`${stack}, ${style} sidecars`, async () => {
        if (style === 'native') assert.is(golden(stack), goldenText(exportOf(stack)));
        const objects = objectsIn(exportOf(stack, { style }), 'base');
        assert.ok(objects.length > 1);
        for (const object of objects) {
          const { status, body, warning } = await server.apply(object, { dryRun: true });
          assert.is(status, 201, `${object.kind} ${object.metadata.name}: ${body['message']}`);
          assert.is(warning?.replace(HEADLESS, '') ?? '', '', `${object.kind} ${object.metadata.name}`);
        }
      });
  if (!hasDefinitions())
    skipped(
      'export: components pass a dry run',
      'no definitions of Gateway API and Prometheus operator: npm run kubernetes brings them',
    );
  else {
    test('the server learns routes and monitors', async () => {
      for (const definition of definitions())
        assert.ok((await server.apply(definition)).status < 300, definition.metadata.name);
      await eventually('they are served', async () => {
        const known = await Promise.all(
          ['gateway.networking.k8s.io/v1', 'monitoring.coreos.com/v1'].map((group) =>
            server.call('GET', `/apis/${group}`),
          ),
        );
        return known.every(({ body }) => (body['resources'] ?? []).length >= 2);
      });
    });

    for (const stack of stacks())
      test(`${stack}, with every component; its pods keep the level of its namespace`, async () => {
        const namespace = `of-${stack}`;
        const exported = exportOf(stack, { components: COMPONENTS, namespace });
        const inNamespace = (object: ApiObject): ApiObject => ({
          ...object,
          metadata: { ...object.metadata, namespace },
        });
        const components = objectsIn(exported, 'components');
        assert.ok(components.length >= 3);
        const level = components.find(({ kind }) => kind === 'Namespace')!;
        assert.ok((await server.apply(level)).status < 300);
        for (const object of [...components.filter((each) => each !== level), ...objectsIn(exported, 'base')].map(
          inNamespace,
        )) {
          const { status, body, warning } = await server.apply(object, { dryRun: true });
          assert.is(status, 201, `${object.kind} ${object.metadata.name}: ${body['message']}`);
          assert.is(warning?.replace(HEADLESS, '') ?? '', '', `${object.kind} ${object.metadata.name}`);
        }
      });
  }
  test.run();
}
