/** The program's start: a database that is not damaged and cannot be used ends it with 64 and one sentence. */
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { freePort } from '#kit/testing/ports.ts';
import { startProgram } from '#kit/testing/program.ts';
import { TestServer } from './test-server.ts';

test('the database of another process ends the start with 64, and is not set aside', async () => {
  const server = new TestServer();
  await server.start();
  const second = await startProgram([join(import.meta.dirname, 'main.ts')], {
    CONFIG_SERVER_ADDRESS: '127.0.0.1',
    CONFIG_SERVER_PORT: String(await freePort()),
    CONFIG_SERVER_DATA: join(server.dir, 'data'),
    CONFIG_SERVER_TOKENS: join(server.dir, 'tokens'),
  });
  assert.is(await second.ended(), 64, second.output);
  assert.match(second.output, 'config.db cannot be used (database is locked)');
  assert.not.match(second.output, '"stack"');
  assert.is((await server.put('a', 'content')).status, 201);
  await server.remove();
});

test.run();
