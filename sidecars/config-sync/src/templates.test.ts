/** Several documents that become one file. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '#kit/testing/eventually.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Rig } from './testing/rig.ts';
import type { Sidecar } from './testing/sidecar.ts';

let rig: Rig;
test.before.each(async () => {
  rig = await Rig.open();
});
test.after.each(() => rig[Symbol.asyncDispose]());

const TEMPLATE = `release={{ web.release }}
{%- for upstream in upstreams.servers %}
upstream.{{ forloop.index }}={{ upstream.host }}:{{ upstream.port | default: 80 }}
{%- endfor %}
banner={{ banner | strip }}
`;

async function start(template = TEMPLATE, env: Record<string, string> = {}): Promise<Sidecar> {
  const path = join(rig.directory, 'app.liquid');
  writeFileSync(path, template);
  const spec = join(rig.directory, 'spec.json');
  const documents = { web: 'web.yaml', upstreams: 'upstreams.json', banner: 'banner' };
  writeFileSync(spec, JSON.stringify({ files: [{ path: rig.file, template: path, documents }] }));
  return await rig.start({ CONFIG_FILES: '', CONFIG_SPEC: spec, ...env });
}

function putAll(): void {
  rig.server.put('web.yaml', 'release: 1\n');
  rig.server.put('upstreams.json', '{"servers": [{"host": "a", "port": 1}, {"host": "b"}]}');
  rig.server.put('banner', 'hello\n');
}

const FIRST = 'release=1\nupstream.1=a:1\nupstream.2=b:80\nbanner=hello\n';

test('a change of any of them makes the file anew, and each is told what became of it', async () => {
  putAll();
  const sidecar = await start();
  await rig.started(sidecar);
  assert.is(rig.read(), FIRST);
  await rig.app.start();
  await rig.inSync(sidecar);
  await eventually('it watches', () => rig.server.watches === 1);
  rig.server.put('web.yaml', 'release: 2\n');
  await rig.serves(FIRST.replace('release=1', 'release=2'));
  rig.server.put('banner', 'good night\n');
  await rig.serves('release=2\nupstream.1=a:1\nupstream.2=b:80\nbanner=good night\n');
  await rig.inSync(sidecar);
  for (const [key, version] of [
    ['web.yaml', '2'],
    ['banner', '2'],
    ['upstreams.json', '1'],
  ])
    await eventually(`${key} ${version} is applied`, () =>
      rig.server.reports.some((each) => each.key === key && each.version === version && each.state === 'applied'),
    );
  assert.is((await sidecar.file()).verified?.version, 'web.yaml@2+upstreams.json@1+banner@2');
});

test('a value that is missing refuses it, and is named; so is a document', async () => {
  putAll();
  const sidecar = await start();
  await rig.started(sidecar);
  await rig.app.start();
  await rig.inSync(sidecar);
  const before = rig.stamp();
  rig.server.put('web.yaml', 'realease: 2\n');
  const reported = await rig.report('rejected', 2);
  assert.is(reported.key, 'web.yaml');
  assert.is(reported.reason, 'the template at line 1, column 12: there is no value web.release');
  assert.is(rig.stamp(), before);
  rig.server.put('web.yaml', 'release: 3\n');
  await rig.serves(FIRST.replace('release=1', 'release=3'));
  rig.server.documents.delete('banner');
  await eventually('it is said', async () =>
    /the source has no document banner/.test((await sidecar.file()).refused?.reason ?? ''),
  );
  assert.is(rig.read(), FIRST.replace('release=1', 'release=3'));
});

test('what is rendered is validated like any document, and what is rendered from too', async () => {
  putAll();
  const sidecar = await start(`${TEMPLATE}{{ web.more | default: "" }}\n`);
  await rig.started(sidecar);
  await rig.app.start();
  await rig.inSync(sidecar);
  rig.server.put('web.yaml', 'release: 2\nmore: no property\n');
  assert.match((await rig.report('rejected', 2)).reason!, /^not properties at line 5/);
  rig.server.put('web.yaml', 'release: [3\n');
  assert.match((await rig.report('rejected', 3)).reason!, /^web: not YAML at line 2/);
  rig.server.put('web.yaml', 'a: &a [*a]\n');
  assert.match((await rig.report('rejected', 4)).reason!, /^web: an alias refers to what it is in/);
  assert.is(rig.read().split('\n')[0], 'release=1');
});

test('one that the application does not take is rolled back', async () => {
  putAll();
  const sidecar = await start(`${TEMPLATE}choke={{ web.choke | default: "" }}\n`);
  await rig.started(sidecar);
  await rig.app.start();
  await rig.inSync(sidecar);
  rig.server.put('web.yaml', 'release: 22\nchoke: ignore\n');
  await rig.report('rolled-back', 2);
  await rig.serves(`${FIRST}choke=\n`);
});

test('a template that is endless or too large is refused in time, and the sidecar goes on', async () => {
  putAll();
  const loop = '{% for i in (1..100000000) %}{% if i == web.more %}x{% endif %}{% endfor %}';
  const sidecar = await start(
    `release={{ web.release }}\n{% if web.loop %}${loop}{% endif %}{% if web.fill %}{{ web.fill }}{{ web.fill }}{% endif %}`,
    {
      CONFIG_CHECK_TIMEOUT: '5s',
      CONFIG_MAX_SIZE: '100KiB',
    },
  );
  await rig.started(sidecar);
  rig.server.put('web.yaml', 'release: 2\nloop: true\nmore: 0\n');
  await rig.report('rejected', 2);
  assert.match(rig.server.reports.at(-1)!.reason!, /takes longer than 5 s|cannot be rendered/);
  rig.server.put('web.yaml', `release: 3\nfill: ${'x'.repeat(60_000)}\n`);
  await rig.report('rejected', 3);
  assert.is(rig.server.reports.at(-1)!.reason, 'rendered, it has 120010 bytes; at most 102400 are taken');
  assert.is(sidecar.child.exitCode, null);
});

test('a template that is none is bad configuration, with its place', async () => {
  const sidecar = await start('a={{ web.release }}\n{% if web.x %}');
  assert.is(await sidecar.ended(), 64);
  assert.match(sidecar.output, /CONFIG_SPEC: .*app\.liquid: tag "?\{% if web\.x %\}"? not closed, line:2/);
});

test.run();
