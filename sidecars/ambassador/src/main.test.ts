/** The program as a whole: its start, its end, what it says of a wrong configuration. */
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { freePort } from '#kit/testing/ports.ts';
import { Program, startProgram } from '#kit/testing/program.ts';

const MAIN = join(import.meta.dirname, 'main.ts');

test('it is started without its servers, says which it lacks, and ends as asked', async () => {
  const program = await startProgram([MAIN], {
    AMBASSADOR_PORT: String(await freePort()),
    SERVERS: `127.0.0.1:${await freePort()}:1 one`,
  });
  await program.up();
  await program.answers('/startupz', 200, /ok/);
  await program.answers('/readyz', 503, /one: ECONNREFUSED/);
  await program.answers('/metrics', 200, /^server_up\{server="one"\} 0$/m);
  assert.is(await program.stop(), 0, program.output);
});

test('without SERVERS it does not start, and says so', async () => {
  const program = new Program([MAIN], { ADMIN_PORT: String(await freePort()) });
  assert.is(await program.ended(), 64, program.output);
  assert.match(program.output, /SERVERS is not set/);
});

test.run();
