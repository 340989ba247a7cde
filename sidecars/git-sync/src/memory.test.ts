/** A server whose answers have no end, and the real git. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { runCommand, type CommandError } from '#kit/process/command.ts';
import { asSyncError } from './repository/failure.ts';
import { withMemory } from './repository/memory.ts';
import { TestGitServer } from './test-git-server.ts';

const MB = 1024 * 1024;

test('an answer without an end takes no more memory than git may have', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'git-memory-'));
  const server = new TestGitServer(directory);
  let sent = 0;
  server.intercept = (_request, response) => {
    const piece = Buffer.alloc(65_536, 'x');
    const more = (): void => {
      // It ends where a git without a bound would be done with it.
      while (!response.destroyed && sent < 400 * MB) {
        sent += piece.length;
        if (!response.write(piece)) return;
      }
      response.end();
    };
    response.setHeader('content-type', 'application/x-git-upload-pack-advertisement');
    response.on('error', () => {}).on('drain', more);
    more();
    return true;
  };
  const url = `http://127.0.0.1:${await server.listen()}/x.git`;
  const error = await runCommand(withMemory(['git', 'ls-remote', url], 64 * MB), { timeout: 60_000 }).then(
    () => undefined,
    (thrown: CommandError) => asSyncError(thrown),
  );
  server.close();
  rmSync(directory, { recursive: true });
  assert.is(error?.reason, 'memory', error?.message);
  assert.ok(sent < 200 * MB, `${sent / MB} MB were taken`);
});

test('what git does otherwise has room', async () => {
  const { stdout } = await runCommand(withMemory(['git', '--version']), { timeout: 60_000 });
  assert.match(stdout, /^git version/);
});

test.run();
