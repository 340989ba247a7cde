/** Rules about paths, compared with nginx and Django as Debian packages them. */
import { randomBytes } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { docker } from '../lib/engine.ts';
import { STACK_LABEL } from '../lib/labels.ts';
import { programImage } from '../lib/program-image.ts';
import { compareWith, somePaths } from './rules.ts';

const test = suite('paths');
const container = `sidecar-stacks-paths-${randomBytes(3).toString('hex')}`;
const PATIENCE = 120_000;
const SERVERS = { 'locations of nginx': 8001, 'files of nginx': 8002, 'routes of Django': 8003 };

test.before(async () => {
  const image = await programImage('path-servers', 'scripts/paths/image', () => {});
  const ports = Object.values(SERVERS).flatMap((port) => ['--publish', `127.0.0.1::${port}`]);
  const args = ['run', '--detach', '--rm', ...ports, '--name', container, '--label', `${STACK_LABEL}=paths`];
  await docker([...args, image], { timeoutMs: PATIENCE });
});
test.after(async () => {
  await docker(['rm', '--force', container], { timeoutMs: PATIENCE });
});

for (const [name, inside] of Object.entries(SERVERS))
  test(`${name}: a path that reaches something forbidden is refused by rules of auth and mesh`, async () => {
    const published = await docker(['port', container, String(inside)], { timeoutMs: PATIENCE });
    const port = Number(/^127\.0\.0\.1:(\d+)$/m.exec(published)![1]);
    await eventually(`${name} answer`, () => fetch(`http://127.0.0.1:${port}/`), { within: PATIENCE });
    assert.equal(await compareWith('127.0.0.1', port, somePaths(3, 3000)), []);
  });

test.run();
