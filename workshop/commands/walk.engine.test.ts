/** A learner's walk through exercises 1 to 3, in a terminal of 80 columns: tmux. */
import { randomBytes } from 'node:crypto';
import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { skipped } from '#kit/testing/skipped.ts';
import { run } from '../../scripts/lib/run.ts';
import { ROOT } from '../../scripts/lib/stacks.ts';
import { findPlace } from '../lessons/exercise.ts';

const name = `walk-${randomBytes(3).toString('hex')}`;
const workspace = join(ROOT, 'artifacts', name);
const MINUTES = { within: 240_000, every: 200 };
const npm = (...args: readonly string[]): string => `npm run --silent workshop -- ${args.join(' ')}`;

async function tmux(...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await run('tmux', ['-L', name, ...args], { timeoutMs: 30_000 });
  assert.is(exitCode, 0, `tmux ${args[0]}: ${stderr}`);
  return stdout;
}

/** All that the terminal shows and has shown; lines that were broken at its edge are joined again. */
const screen = (): Promise<string> => tmux('capture-pane', '-p', '-J', '-S', '-', '-t', 'learner');
const type = (text: string): Promise<string> => tmux('send-keys', '-t', 'learner', text, 'Enter');

async function reads(what: string): Promise<string> {
  let text = '';
  await eventually(`the terminal shows "${what}"`, async () => (text = await screen()).includes(what), MINUTES).catch(
    (error: unknown) => {
      throw new Error(`${(error as Error).message}\n${text}`, { cause: error });
    },
  );
  return text;
}

/** Begin an exercise, see it red, edit, see it green, leave. */
async function walkThrough(number: string, file: string, red: string, left: string): Promise<void> {
  const place = findPlace(number);
  await type(`clear; tmux -L ${name} clear-history`);
  await type(npm('run', number));
  await reads(red);
  copyFileSync(join(place.dir, 'solution', file), join(workspace, place.name, file));
  const text = await reads('All green.');
  for (const line of text.split('\n')) assert.ok(line.trimEnd().length <= 80, `80 columns: ${line}`);
  await tmux('send-keys', '-t', 'learner', 'C-c');
  await reads(left);
  await type(`${npm('stop', number)} && echo "stopped $((40 + 2))"`);
  await reads('stopped 42');
}

const { exitCode } = await run('tmux', ['-V']);
if (exitCode === 0) {
  test.before(async () => {
    const shell = 'bash --norc --noprofile';
    await tmux('new-session', '-d', '-s', 'learner', '-x', '80', '-y', '50', '-c', ROOT, shell);
    await type(`export WORKSHOP_DIR=${workspace} PS1='> '`);
  });
  test.after(async () => {
    for (const number of ['2', '3'])
      await run('npm', ['run', 'workshop', '--', 'stop', number], { cwd: ROOT, env: { WORKSHOP_DIR: workspace } });
    await run('tmux', ['-L', name, 'kill-server']);
    rmSync(workspace, { recursive: true, force: true });
  });

  test('exercise 1: from no answer to all right', () => walkThrough('1', 'answer.yaml', '0 of 3 are right', '> '));
  test('exercise 2: from no certificate to the guest book', () =>
    walkThrough('2', 'compose.yaml', '✗ must answer over HTTPS with the guest book', 'They are gone'));
  test('exercise 3: from stranded to a pod', () =>
    walkThrough('3', 'compose.yaml', 'it is tried after your first change', 'They are gone'));
  test('the list says how far the learner is', async () => {
    await type('clear');
    await type(npm('list'));
    const text = await reads('14  Security');
    assert.is(text.match(/ done/g)?.length, 3, text);
    for (const line of text.split('\n')) assert.ok(line.trimEnd().length <= 80, line);
  });
} else skipped('a walk in a terminal', 'it needs tmux');

test.run();
