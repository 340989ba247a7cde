/** Rules about paths, compared with Go's net/http, where there is a Go compiler. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { skipped } from '#kit/testing/skipped.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { compareWith, somePaths } from './rules.ts';

/** The file as a whole has five minutes. */
const BUILD_MS = 200_000;
const PATHS = somePaths(2, 3000);
const folder = temporaryDirectory('go');

/** @returns the program, or why there is none */
function compiled(): { readonly program: string } | { readonly why: string } {
  const program = join(folder, 'servers');
  const env = { ...process.env, CGO_ENABLED: '0', GO111MODULE: 'off', GOTOOLCHAIN: 'local', GOFLAGS: '' };
  try {
    execFileSync('go', ['build', '-o', program, join(import.meta.dirname, 'go/main.go')], { env, timeout: BUILD_MS });
    return { program };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return { why: 'there is no command go on this machine' };
    if (code === 'ETIMEDOUT') return { why: `go needs more than ${BUILD_MS / 1000} s to build it` };
    throw error;
  }
}

const built = compiled();
if ('why' in built) skipped("Go's ServeMux and FileServer", built.why);
else
  test("Go's ServeMux and FileServer: a path that reaches something forbidden is refused by rules", async () => {
    const root = join(folder, 'files');
    for (const name of ['admin', 'büro', 'a b', 'x:y@z', 'new', 'public']) {
      mkdirSync(join(root, name, 'a'), { recursive: true });
      if (name === 'public') continue;
      for (const file of ['index.html', 'a/b']) writeFileSync(join(root, name, file), `forbidden /${name}`);
    }
    const servers = spawn(built.program, [root], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const [ports] = (await once(createInterface(servers.stdout), 'line')) as [string];
      for (const port of ports.split(' ')) assert.equal(await compareWith('127.0.0.1', Number(port), PATHS), [], port);
    } finally {
      servers.kill();
    }
  });

test('every path of the sample is one line of a request', () => {
  for (const path of PATHS) assert.match(path, /^\/[^ \r\n]*$/);
});

test.run();
