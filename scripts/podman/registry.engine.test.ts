/** A digest from Debian's own registry: what is exported is what was pushed. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '#kit/testing/eventually.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { docker } from '../lib/engine.ts';
import { STACK_LABEL } from '../lib/labels.ts';
import { main } from '../../tools/main.ts';

const name = `registry-${randomBytes(3).toString('hex')}`;
const DEBIAN = process.env['DEBIAN_BASE'] ?? 'sidecar-stacks/debian:trixie';
const folder = temporaryDirectory('registry');
let image: string | undefined;

test.after(async () => {
  await docker(['rm', '--force', '--volumes', name]).catch(() => {});
  await docker(['rmi', '--force', name, ...(image === undefined ? [] : [image])]).catch(() => {});
});

test('an image without a version is exported by the digest that its registry names', async () => {
  writeFileSync(
    join(folder, 'Dockerfile'),
    `FROM ${DEBIAN}\nRUN apt-get update && apt-get install -y --no-install-recommends docker-registry && rm -rf /var/lib/apt/lists/*\nCOPY config.yml /\n`,
  );
  // The package's own configuration wants a login.
  writeFileSync(
    join(folder, 'config.yml'),
    'version: 0.1\nstorage: {filesystem: {rootdirectory: /tmp/registry}}\nhttp: {addr: ":5000"}\n',
  );
  await docker(['build', '--quiet', '--tag', name, folder], { timeoutMs: 600_000 });
  await docker([
    'run',
    '--detach',
    '--name',
    name,
    '--label',
    `${STACK_LABEL}=tools`,
    '--publish',
    '127.0.0.1::5000',
    name,
    'docker-registry',
    'serve',
    '/config.yml',
  ]);
  const port = /:(\d+)/.exec(await docker(['port', name, '5000']))![1]!;
  await eventually(
    'the registry answers',
    async () => (await fetch(`http://127.0.0.1:${port}/v2/`).catch(() => undefined)) !== undefined,
    { within: 120_000 },
  );
  image = `127.0.0.1:${port}/shop/base`;
  await docker(['tag', DEBIAN, image]);
  await docker(['push', image], { timeoutMs: 300_000 });
  const pushed = await docker(['inspect', '--format', '{{join .RepoDigests "\\n"}}', image]);
  const reference = pushed.split('\n').find((line) => line.startsWith(image!))!;
  writeFileSync(
    join(folder, 'compose.yaml'),
    `services: {db: {image: "${image}", restart: always}, gone: {image: "127.0.0.1:${port}/gone", restart: always}}`,
  );
  let [out, err] = ['', ''];
  const code = await main(['export', '--allow-floating', '--dry-run'], {
    folder,
    environment: {},
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    fetch,
  });
  assert.is(code, 0, err);
  assert.ok(out.includes(`image: ${reference}`), `${reference}\n${out}`);
  assert.match(err, /service gone .* names no digest: 127\.0\.0\.1:\d+ answers 404/);
});

test.run();
