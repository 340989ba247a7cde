/** What the release workflow publishes, tried against a registry of our own: Debian's docker-registry. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runCommand } from '#kit/process/command.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { up } from '../../tools/index.ts';
import { ROOT } from '../lib/stacks.ts';

const test = suite('release');

const MINUTES = 10 * 60_000;
const DEBIAN = process.env['DEBIAN_BASE'] || 'sidecar-stacks/debian:trixie';
const REGISTRY = 'sidecar-stacks/test-registry:dev';
const SOURCE = 'https://git.example/team/sidecars';
const DOCKERFILE = `FROM ${DEBIAN}
LABEL dev.sidecar-stacks.image=test-registry
RUN apt-get update && apt-get install -y --no-install-recommends docker-registry && rm -rf /var/lib/apt/lists/*
RUN printf 'version: 0.1\\nstorage: {filesystem: {rootdirectory: /var/lib/registry}, delete: {enabled: true}}\\nhttp: {addr: ":5000"}\\n' > /registry.yml
CMD ["docker-registry", "serve", "/registry.yml"]
`;

const docker = async (...args: string[]): Promise<string> =>
  (await runCommand(['docker', ...args], { timeout: MINUTES })).stdout.trim();

test("images are pushed once under their contract's version; the page's example pulls and runs", async () => {
  await runCommand(['docker', 'build', '--quiet', '--tag', REGISTRY, '-'], { input: DOCKERFILE, timeout: MINUTES });
  const registry = await docker(
    'run',
    '--detach',
    '--publish',
    '127.0.0.1::5000',
    '--label',
    'dev.sidecar-stacks.stack=release',
    REGISTRY,
  );
  const folder = mkdtempSync(join(tmpdir(), 'release-'));
  const { version } = JSON.parse(readFileSync(join(ROOT, 'sidecars/tls/contract.json'), 'utf8')) as { version: string };
  let image = '';
  try {
    const address = await docker('port', registry, '5000');
    image = `${address}/tls:${version}`;
    await eventually('the registry answers', async () => (await fetch(`http://${address}/v2/`)).ok);
    const env = { ...process.env, SIDECAR_BASE: process.env['SIDECAR_BASE'] || 'sidecar-stacks/node:26' };
    const release = async (): Promise<string> =>
      (
        await runCommand([process.execPath, 'scripts/release.ts', '--registry', address, '--source', SOURCE, 'tls'], {
          cwd: ROOT,
          env,
          timeout: MINUTES,
        })
      ).stdout;
    assert.is(await release(), `${image}: built\n${image}: pushed\n`);
    assert.is(await release(), `${image} is published already\n`);
    const labels = JSON.parse(await docker('image', 'inspect', '--format', '{{json .Config.Labels}}', image)) as Record<
      string,
      string
    >;
    const label = (key: string): string | undefined => labels[`org.opencontainers.image.${key}`];
    assert.is(label('source'), SOURCE);
    assert.is(label('url'), SOURCE);
    assert.is(label('documentation'), `${SOURCE}/tree/HEAD/sidecars/tls#readme`);
    assert.is(label('vendor'), 'sidecar-stacks');
    assert.match(label('revision') ?? '', /^[0-9a-f]{40}$/);
    await docker('image', 'rm', image);

    const example = /^```yaml\n(services:[\s\S]*?)^```$/m.exec(
      readFileSync(join(ROOT, 'sidecars/README.md'), 'utf8'),
    )![1]!;
    const changed = example.replace(/image: sidecar-stacks\/tls:\S+\n +pull_policy: never/, `image: ${image}`);
    assert.is.not(changed, example);
    writeFileSync(join(folder, 'compose.yaml'), changed);
    await using stack = await up(join(folder, 'compose.yaml'), { build: false });
    const port = await stack.port('pod', 8443);
    const page = async (): Promise<string> =>
      (await runCommand(['curl', '--silent', '--insecure', '--fail', '--max-time', '5', `https://127.0.0.1:${port}/`]))
        .stdout;
    assert.is(await eventually('the example answers over HTTPS', page), 'hello\n');
  } finally {
    await docker('rm', '--force', '--volumes', registry);
    if (image !== '') await docker('image', 'rm', '--force', image).catch(() => {});
    rmSync(folder, { recursive: true });
  }
});

test.run();
