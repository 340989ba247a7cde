import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { ROOT } from '../../scripts/lib/stacks.ts';
import { findPlace, places } from './exercise.ts';
import { watch } from '../commands/commands.ts';
import { filesFingerprint } from './fingerprint.ts';
import { Session } from './session.ts';
import { Workspace } from './workspace.ts';

const place = findPlace('identify', places());
const fresh = (root = temporaryDirectory('workshop')): Workspace => new Workspace(root, 'test');
const answer = (workspace: Workspace): string => join(workspace.dir(place), 'answer.yaml');

test('what the learner has changed stays, until it is begun anew', () => {
  const workspace = fresh();
  workspace.begin(place);
  const before = readFileSync(answer(workspace), 'utf8');
  writeFileSync(answer(workspace), 'mine');
  workspace.begin(place);
  assert.is(readFileSync(answer(workspace), 'utf8'), 'mine');
  workspace.beginAnew(place);
  assert.is(readFileSync(answer(workspace), 'utf8'), before);
});

test("a solution's script works on the learner's files, wherever npm was called", async () => {
  const root = join(ROOT, 'artifacts', `workspace-${process.pid}`);
  const before = { ...process.env };
  process.env['INIT_CWD'] = temporaryDirectory('called');
  process.env['npm_lifecycle_event'] = 'workshop';
  try {
    const workspace = fresh(root);
    const kubernetes = findPlace('kubernetes', places());
    workspace.begin(kubernetes);
    await new Session(kubernetes, workspace).take('solution');
    assert.ok(existsSync(join(workspace.dir(kubernetes), 'kubernetes/base/kustomization.yaml')));
  } finally {
    process.env = before;
    rmSync(root, { recursive: true, force: true });
  }
});

test('commands by hand mean the same compose project', () => {
  const workspace = fresh();
  workspace.begin(place);
  assert.match(readFileSync(join(workspace.dir(place), '.env'), 'utf8'), /^COMPOSE_PROJECT_NAME=test-01$/m);
});

test('Ctrl-C before an exercise has come up needs no engine, and is no error', async () => {
  const signal = AbortSignal.abort();
  const lines: string[] = [];
  const print = (line: string): void => void lines.push(line);
  const code = await watch({
    place: findPlace('https', places()),
    workspace: fresh(),
    print,
    say: print,
    signal,
    keep: false,
  });
  assert.is(code, 0);
  assert.match(lines.slice(-2).join('\n'), /To go on:\n {4}npm run workshop -- run 02/);
});

test('a solution keeps what it overwrites', () => {
  const workspace = fresh();
  workspace.begin(place);
  writeFileSync(answer(workspace), 'mine');
  workspace.overlay(place, 'solution');
  assert.is(readFileSync(`${answer(workspace)}.yours`, 'utf8'), 'mine');
  assert.match(readFileSync(answer(workspace), 'utf8'), /tls: sidecar/);
});

test('progress is there for the next process, and one that is damaged keeps nobody from going on', () => {
  const root = temporaryDirectory('workshop');
  fresh(root).note(place, { hints: 2, done: '2026-11-21T00:00:00.000Z' });
  assert.equal(fresh(root).progress(place), { hints: 2, done: '2026-11-21T00:00:00.000Z' });
  writeFileSync(join(root, 'progress.json'), '{ half');
  assert.equal(fresh(root).progress(place), { hints: 0 });
  fresh(root).note(place, { hints: 1 });
  assert.equal(fresh(root).progress(place), { hints: 1 });
});

test('a changed, a new and a removed file are noticed', () => {
  const dir = temporaryDirectory('workshop');
  const seen = new Set([filesFingerprint(dir)]);
  mkdirSync(join(dir, 'deep'));
  writeFileSync(join(dir, 'deep/file'), 'one');
  seen.add(filesFingerprint(dir));
  writeFileSync(join(dir, 'deep/file'), 'longer');
  seen.add(filesFingerprint(dir));
  assert.is(seen.size, 3);
  assert.is(filesFingerprint(join(dir, 'not there')), '');
});

test('checks turn green by the edit alone, whole or in part, and the progress says so', async () => {
  const workspace = fresh();
  const session = new Session(place, workspace);
  await session.begin();
  const first = await session.look();
  assert.ok(first.every(({ state }) => state === 'unmet'));
  assert.match(first[0]!.why!.in('en'), /^0 of 3 are right: who shares/);
  assert.match(first[0]!.why!.in('de'), /^0 von 3 stimmen: wer teilt/);
  assert.match(first[0]!.why!.in('es'), /^0 de 3 son correctas: ¿quién comparte/);
  const solved = readFileSync(join(place.dir, 'solution/answer.yaml'), 'utf8');
  const stacks = join(import.meta.dirname, '../../stacks/https');
  writeFileSync(
    answer(workspace),
    solved.replace('../../../stacks/https', stacks).replace('db: separate', 'db: sidecar'),
  );
  assert.match((await session.look())[0]!.why!.in('en'), /^2 of 3 are right/);
  assert.is(workspace.progress(place).done, undefined);
  writeFileSync(answer(workspace), solved.replace('../../../stacks/https', stacks));
  assert.ok((await session.look()).every(({ state }) => state === 'met'));
  assert.ok(workspace.progress(place).done);
  assert.ok(existsSync(join(workspace.root, 'progress.json')));
});

test('a file that is no YAML is an answer to the learner, no fault', async () => {
  const workspace = fresh();
  const session = new Session(place, workspace);
  await session.begin();
  writeFileSync(answer(workspace), 'shop: [');
  const results = await session.look();
  assert.match(results[0]!.why!.in('en'), /no YAML/);
  assert.ok(results.every(({ broken }) => !broken));
});

test('files count as untouched until one of them is changed', () => {
  const place = findPlace('3');
  const workspace = new Workspace(join(temporaryDirectory('workspace-'), 'mine'), 'w');
  workspace.begin(place);
  assert.ok(workspace.untouched(place), 'a .env was added');
  writeFileSync(join(workspace.dir(place), 'compose.yaml'), 'services: {}\n');
  assert.not(workspace.untouched(place));
});

test.run();
