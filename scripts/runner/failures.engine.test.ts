/** Each way a run can fail: one paragraph that names the container, nothing left, exit code 1. */
import { createServer } from 'node:net';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { freePort } from '#kit/testing/ports.ts';
import { docker } from '../lib/engine.ts';
import { ROOT } from '../lib/stacks.ts';
import { runToEnd, start } from './fixtures/program.ts';
import { leftovers } from './tear-down.ts';

const test = suite('failures');

async function failure(...args: string[]) {
  const { code, results } = await runToEnd(...args);
  const [result] = results;
  assert.ok(result, 'there is a result');
  assert.is(code, 1);
  assert.not(result.ok);
  if (result.run !== '') assert.equal(await leftovers(result.run), []);
  return { ...result.failures[0]!, result };
}

test('an unhealthy container is named, with its health check and its last lines', async () => {
  const { reason, message, container, log, artifacts } = await failure('unhealthy');
  assert.is(reason, 'unhealthy');
  assert.match(message, /^ailing .*did not become healthy.*pulse is missing/);
  assert.match(container!, /ailing-1$/);
  assert.equal(log, ['a line from the ailing container']);
  const files = readdirSync(join(ROOT, artifacts!));
  for (const file of ['compose.yaml', 'events.jsonl', 'inspect.json', 'ailing.log'])
    assert.ok(files.includes(file), `${file} is among the artifacts`);
});

test('a container that exits is named, with its exit code and its last lines', async () => {
  const { reason, message, log } = await failure('exits');
  assert.is(reason, 'exited');
  assert.match(message, /^leaver .*exited with 3/);
  assert.equal(log, ['a line from the leaver']);
});

test('a failed build shows what it wrote', async () => {
  const { reason, log } = await failure('broken-build');
  assert.is(reason, 'build');
  assert.match(log!.join('\n'), /a line from the build/);
});

test('a compose file that is not valid is named', async () => {
  const { reason, message } = await failure('invalid');
  assert.is(reason, 'compose');
  assert.match(message, /stacks\/invalid\/compose\.yaml is not valid.*services\.pod/);
});

test('a failed obligation fails the run and tells its line', async () => {
  const { reason, result } = await failure('failing');
  assert.is(reason, 'obligation');
  assert.equal(
    result.obligations.map((each) => each.state),
    ['passed', 'failed'],
  );
  assert.is(result.obligations[1]!.failure!.line, 9);
});

test('a scenario that runs nothing does not pass', async () => {
  assert.is((await failure('silent')).reason, 'no-obligations');
});

test('a container that crashes again and again beside the checks fails the run', async () => {
  const { reason, message, log, result } = await failure('crash-loop');
  assert.is(reason, 'crash-loop', message);
  assert.match(message, /^app \(container .*-app-1\) crashed \d+ times in a row.* exit code 3/);
  assert.match(log!.join('\n'), /a line from the app/);
  assert.is(result.obligations[0]!.state, 'passed');
});

test('why a scenario did not load is in report, JUnit and annotations; --keep tells the ports', async () => {
  const file = join(ROOT, '.cache', 'junit-of-a-test', 'deep', 'report.xml');
  rmSync(dirname(dirname(file)), { recursive: true, force: true });
  const { code, stdout } = await start('stack', ['unsaid', '--keep', '--junit', file], { CI: '1' }).ended;
  const [, run] = /docker compose -p (\S+) down --volumes/.exec(stdout) ?? [];
  assert.ok(run, stdout);
  try {
    assert.is(code, 1);
    const why = /scenario\.ts did not load .*TypeError: this scenario does not load/;
    assert.match(stdout, why);
    assert.match(readFileSync(file, 'utf8'), why);
    assert.match(stdout, /^::error file=stacks\/unsaid\/scenario\.ts,line=1,.*this scenario does not load/m);
    assert.match(stdout, /^ {2}127\.0\.0\.1:\d+ leads to port 8080 of pod$/m);
  } finally {
    await docker(['compose', '-p', run, 'down', '--volumes']);
  }
});

test('without the docker command the exit code is the documented one', async () => {
  const bin = mkdtempSync(join(tmpdir(), 'no-docker-'));
  for (const program of ['sh', 'bash', 'uname', 'git']) symlinkSync(`/usr/bin/${program}`, join(bin, program));
  const { code, stdout, stderr } = await start('stack', ['good'], { PATH: bin, SETUP_ENGINE: 'no' }).ended;
  rmSync(bin, { recursive: true });
  assert.is(code, 2, stdout + stderr);
  assert.match(stdout, /docker/i);
  assert.match(
    (await runToEnd('--help')).stdout,
    /2 for a wrong command\s+line, and where something has to be installed first/,
  );
});

test('no stack at all is an error', async () => {
  const empty = mkdtempSync(join(tmpdir(), 'no-stacks-'));
  const { code, stderr } = await start('stack', ['all'], { STACKS_DIR: empty }).ended;
  rmSync(empty, { recursive: true });
  assert.is(code, 2);
  assert.match(stderr, /There is no stack in .*nothing would be checked/);
});

test('a scenario that hangs is ended at the deadline', async () => {
  const { reason, message } = await failure('hanging', '--timeout', '12');
  assert.is(reason, 'timeout');
  assert.match(message, /end some day/);
});

test('a pinned port in use is named, with the variable to change', async () => {
  const port = await freePort();
  const server = createServer().listen(port, '127.0.0.1');
  try {
    const { code, stdout } = await start('demo', ['good'], { PUBLISH_WEB: String(port) }).ended;
    assert.is(code, 1);
    assert.match(stdout, new RegExp(`Port 127\\.0\\.0\\.1:${port} is in use`));
    assert.match(stdout, /PUBLISH_WEB/);
  } finally {
    server.close();
  }
});

test('an unknown stack is answered with those that there are', async () => {
  const { code, stderr } = await runToEnd('nosuch');
  assert.is(code, 2);
  assert.match(stderr, /no stack named "nosuch".*good/s);
});

test('--junit writes a report', async () => {
  const file = join(ROOT, '.cache', 'test-junit.xml');
  await runToEnd('failing', '--junit', file);
  assert.ok(existsSync(file));
});

test.run();
