/** Whose a container is: compose's labels come with images that compose built, and are no proof. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findRunning } from '../debug/pods.ts';
import { leftovers } from '../runner/tear-down.ts';
import { Project } from './compose.ts';
import { docker } from './engine.ts';
import { buildImages } from './images.ts';
import { lasting } from './lasting.ts';

const test = suite('images of a project');

const name = `sidecar-stacks-labels-${process.pid}`;
const image = `sidecar-stacks/labels-test:${process.pid}`;
const dir = mkdtempSync(join(tmpdir(), 'labels-'));
const project = new Project({ name, dir });
const base = process.env['DEBIAN_BASE'] ?? 'sidecar-stacks/debian:trixie';
const labels = (): Promise<Record<string, string>> =>
  docker(['image', 'inspect', '--format', '{{json .Config.Labels}}', image]).then(
    (text) => JSON.parse(text) as Record<string, string>,
  );
let foreign = '';

test.before(() => {
  writeFileSync(join(dir, 'Dockerfile'), `FROM ${base}\nLABEL dev.sidecar-stacks.image=labels-test\n`);
  writeFileSync(
    join(dir, 'compose.yaml'),
    `services:
  part:
    image: ${image}
    build: .
    command: [sleep, infinity]
    init: true
    labels: { dev.sidecar-stacks.stack: labels-${process.pid} }
`,
  );
});

test.after(async () => {
  if (foreign !== '') await docker(['rm', '--force', foreign]);
  await project.down();
  await docker(['image', 'rm', image]);
  rmSync(dir, { recursive: true });
});

test('an image is built without compose’s labels', async () => {
  await buildImages(project, ['part']);
  assert.is((await labels())['dev.sidecar-stacks.image'], 'labels-test');
  assert.equal(
    Object.keys(await labels()).filter((label) => label.startsWith('com.docker.compose')),
    [],
  );
});

test('a container that somebody started from an image that compose built is not the project’s', async () => {
  await project.compose(['build']);
  assert.is((await labels())['com.docker.compose.project'], name, 'compose labels what it builds');
  await project.up();
  const mine = [await project.id('part')];
  foreign = await docker([
    'run',
    '--detach',
    '--init',
    '--label',
    `dev.sidecar-stacks.stack=labels-${process.pid}`,
    image,
    'sleep',
    '60',
  ]);
  assert.equal(
    (await project.containers()).map(({ Id }) => Id),
    mine,
  );
  assert.is((await lasting(project)).length, 1);
  assert.is(await project.id('part'), mine[0]);
  const { pods } = await findRunning(`labels-${process.pid}`, undefined);
  assert.equal(
    pods.flatMap(({ members }) => members.map(({ Id }) => Id)),
    mine,
  );
  await project.down();
  assert.equal(await leftovers(name), []);
});

test.run();
