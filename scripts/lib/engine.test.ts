import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { classify, docker, EngineError, type EngineReason } from './engine.ts';

test('the reason is read from what the docker command says', () => {
  const rows: [EngineReason, number | null, string][] = [
    [
      'no-daemon',
      1,
      'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?',
    ],
    ['no-daemon', 1, 'error during connect: Get "http://host:2375/v1.45/version": dial tcp: lookup host: no such host'],
    ['no-daemon', 1, 'failed to connect to the docker API at unix:///x.sock; check if the path is correct'],
    [
      'permission',
      1,
      'permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get "http://%2Fvar": dial unix /var/run/docker.sock: connect: permission denied',
    ],
    ['no-compose', 1, "docker: 'compose' is not a docker command.\nSee 'docker --help'"],
    ['no-compose', 1, "docker: unknown command: docker compose\n\nRun 'docker --help' for more information"],
    ['no-compose', 125, "unknown shorthand flag: 'f' in -f\nSee 'docker --help'."],
    ['no-cli', 127, '/usr/bin/bash: line 1: exec: docker: not found'],
    ['failed', 127, 'the command inside the container: not found'],
    ['failed', 1, 'Error response from daemon: No such image: x'],
    ['failed', null, ''],
  ];
  for (const [reason, exitCode, stderr] of rows) assert.is(classify(stderr, exitCode), reason, stderr);
});

test('an engine that is not there is told from a command that is not there', async () => {
  const nowhere = { env: { DOCKER_HOST: 'unix:///nonexistent.sock' } };
  const noEngine = await failure(docker(['version'], nowhere));
  const noCommand = await failure(docker(['version'], { env: { PATH: '/nonexistent' } }));
  assert.is(noCommand.reason, 'no-cli');
  // A machine without the command has no engine either; there both are the same.
  assert.ok(noEngine.reason === 'no-daemon' || noEngine.reason === 'no-cli');
});

test('an aborted signal starts nothing', async () => {
  const error = await failure(docker(['version'], { signal: AbortSignal.abort() }));
  assert.is(error.reason, 'aborted');
  assert.is(error.exitCode, null);
});

test('the message names the command and the last thing that it said', () => {
  const error = new EngineError('failed', ['image', 'rm', 'x'], 1, ['warning', 'No such image: x']);
  assert.is(error.message, 'docker image rm exited with 1: No such image: x');
  assert.is(new EngineError('timeout', ['pull', 'x'], null, []).message, 'docker pull x: took too long');
});

async function failure(work: Promise<unknown>): Promise<EngineError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof EngineError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

test.run();
