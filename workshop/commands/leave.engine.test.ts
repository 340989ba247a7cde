/** Ctrl-C, in a terminal and at the page's server: what was brought up goes, and what was up before stays. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { docker } from '../../scripts/lib/engine.ts';
import { ROOT } from '../../scripts/lib/stacks.ts';
import { findPlace } from '../lessons/exercise.ts';

const name = `leave-${randomBytes(3).toString('hex')}`;
const workspace = join(ROOT, 'artifacts', name);
const WAIT = { within: 240_000, every: 100 };
const { name: exercise } = findPlace('3');
const PROJECT = `${name}-03`;
const children = new Set<ChildProcess>();

interface Started {
  readonly child: ChildProcess;
  readonly said: () => string;
}

function start(...args: readonly string[]): Started {
  const child = spawn(process.execPath, [join(ROOT, 'scripts/workshop.ts'), ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, WORKSHOP_DIR: workspace },
  });
  children.add(child);
  let text = '';
  child.stdout.on('data', (piece: Buffer) => (text += piece.toString()));
  return { child, said: () => text };
}

const OURS = ['--filter', `label=com.docker.compose.project=${PROJECT}`];
/** How many containers there are: all of them, or those that run. */
const count = async (...which: readonly string[]): Promise<number> =>
  (await docker(['ps', '--quiet', ...which, ...OURS], { timeoutMs: 30_000 })).split('\n').filter((id) => id !== '')
    .length;

async function interrupt({ child, said }: Started): Promise<string> {
  const ended = once(child, 'exit');
  child.kill('SIGINT');
  await ended;
  return said();
}

/** The page's server, asked to begin the exercise as the page asks. */
async function serveAndBegin(...args: readonly string[]): Promise<Started> {
  const started = start('serve', ...args);
  const address = await eventually('the server prints its address', () => /http:\S+/.exec(started.said())?.[0], WAIT);
  const { origin } = new URL(address);
  const exchange = await fetch(address, { redirect: 'manual' });
  const cookie = exchange.headers.get('set-cookie')!.split(';')[0]!;
  const headers = { cookie, origin, 'content-type': 'application/json' };
  const body = JSON.stringify({ name: exercise, action: 'begin' });
  const { status } = await fetch(`${origin}/exercise`, { method: 'POST', headers, body });
  assert.is(status, 204);
  await eventually('the containers are up', async () => (await count()) >= 2, WAIT);
  return started;
}

test.after(async () => {
  for (const child of children) child.kill('SIGKILL');
  if (existsSync(join(workspace, exercise)))
    await docker(['compose', '-p', PROJECT, 'down', '--volumes', '--timeout', '1'], {
      cwd: join(findPlace('3').dir, 'start'),
      timeoutMs: 120_000,
    });
  rmSync(workspace, { recursive: true, force: true });
});

test('the page leaves up what it brought up when it is asked to', async () => {
  await interrupt(await serveAndBegin('--keep'));
  assert.ok((await count('--all')) >= 2);
});

test('a terminal leaves alone what was up before', async () => {
  const started = start('run', '3');
  await eventually('it has looked', () => started.said().includes('✓ must'), WAIT);
  assert.match(await interrupt(started), /Left up\. To remove its containers:\s+npm run workshop -- stop 03/);
  assert.ok((await count('--all')) >= 2);
  await docker(['compose', '-p', PROJECT, 'down', '--timeout', '1'], {
    cwd: join(workspace, exercise),
    timeoutMs: 120_000,
  });
});

test('Ctrl-C at the page removes what it brought up, also when the compose file is broken', async () => {
  const started = await serveAndBegin();
  writeFileSync(join(workspace, exercise, 'compose.yaml'), 'services: [\n');
  assert.match(await interrupt(started), new RegExp(`The containers are gone: ${exercise}`));
  assert.is(await count('--all'), 0);
  rmSync(join(workspace, exercise), { recursive: true });
});

test('Ctrl-C in a terminal removes what it brought up; files stay', async () => {
  const started = start('run', '3');
  await eventually('it has looked', () => started.said().includes('✓ must'), WAIT);
  assert.ok((await count('--all')) >= 2);
  assert.match(await interrupt(started), /They are gone; files and volumes stay/);
  assert.is(await count('--all'), 0);
  assert.ok(existsSync(join(workspace, exercise, 'compose.yaml')));
});

test('stop removes a container that depends on one that is gone, over which compose gives up', async () => {
  const labels = [`project=${PROJECT}`, 'service=left', 'config-hash=x', 'depends_on=gone:service_started:true'];
  await docker([
    'run',
    '--detach',
    ...labels.flatMap((label) => ['--label', `com.docker.compose.${label}`]),
    process.env['DEBIAN_BASE'] ?? 'sidecar-stacks/debian:trixie',
    'sleep',
    'infinity',
  ]);
  const { child } = start('stop', '3');
  assert.equal(await once(child, 'exit'), [0, null]);
  assert.is(await count('--all'), 0);
});

test.run();
