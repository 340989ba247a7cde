/** The program as a whole: its start, its end, what it says of a wrong configuration. */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { request } from '#kit/net/http-client.ts';
import { freePort } from '#kit/testing/ports.ts';
import { Program, startProgram } from '#kit/testing/program.ts';
import { serve } from '#kit/testing/server.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';

const MAIN = join(import.meta.dirname, 'main.ts');

/** What a port answers, however busy the machine is. */
const said = async (port: number): Promise<string> =>
  String((await request(`http://127.0.0.1:${port}/`, { timeout: 60_000 })).body);

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
  assert.match(program.output, /neither SERVERS nor SERVERS_FILE is set/);
});

test('broker: started once its file is good; SIGTERM ends it before that, too', async () => {
  const path = join(temporaryDirectory('broker'), 'servers.yaml');
  const env = { AMBASSADOR_MODE: 'broker', BROKER_FILE: path, BROKER_POLL: '100ms' };
  const waiting = await startProgram([MAIN], env);
  await waiting.answers('/readyz', 503, /servers\.yaml cannot be read \(ENOENT\)/);
  await waiting.answers('/startupz', 503);
  assert.is(await waiting.stop(), 0, waiting.output);

  await using server = await serve((_, response) => response.end('served'));
  const port = await freePort();
  writeFileSync(path, `services: {shop: {port: ${port}, protocol: http, servers: ["127.0.0.1:${server.port}"]}}`);
  const program = await startProgram([MAIN], env);
  await program.up();
  assert.is(await said(port), 'served');
  await program.answers('/readyz', 200);
  writeFileSync(`${path}.new`, 'garbage');
  renameSync(`${path}.new`, path);
  await program.answers(
    '/readyz',
    503,
    /line 1: the file is a value; accepted is a mapping; the last good one goes on/,
  );
  assert.is(await said(port), 'served');
  await program.answers('/metrics', 200, /^broker_file_refused 1$/m);
  await program.answers('/metrics', 200, /^broker_requests\{service="shop",server="127\.0\.0\.1:\d+"\} 0$/m);
  assert.is(await program.stop(), 0, program.output);
});

test('split: both versions are served, and a killed new one is backed off with a line in the log', async () => {
  await using before = await serve((_, response) => response.end('old'));
  const port = await freePort();
  const program = await startProgram([MAIN], {
    AMBASSADOR_MODE: 'split',
    AMBASSADOR_PORT: String(port),
    SPLIT_OLD: `127.0.0.1:${before.port}`,
    SPLIT_NEW: `127.0.0.1:${await freePort()}`,
    SPLIT_PERCENT: '50',
    SPLIT_TIMEOUT: '30s',
  });
  await program.up();
  await program.answers('/metrics', 200, /^split_share_percent 50$/m);
  // Visitors without a cookie: half of them are sent to what is not there, and nobody sees it.
  for (let index = 0; index < 40; index++) assert.is(await said(port), 'old');
  await program.answers('/metrics', 200, /^split_backoffs\{reason="errors"\} 1$/m);
  await program.answers('/metrics', 200, /^split_share_percent 0$/m);
  // A line that was written is read from a pipe: perhaps after the metric that was asked for.
  await program.eventually('its log says so', () =>
    /"state":"backed-off".*the new version errs more than the old one: it gets nothing for 30 s/.test(program.output),
  );
  assert.is(await program.stop(), 0, program.output);
});

for (const [mode, names] of [
  ['broker', ['BROKER_FILE']],
  ['split', ['SPLIT_OLD', 'SPLIT_NEW']],
] as const)
  test(`${mode} without its parameters does not start, and says which it lacks`, async () => {
    const program = new Program([MAIN], { ADMIN_PORT: String(await freePort()), AMBASSADOR_MODE: mode });
    assert.is(await program.ended(), 64, program.output);
    for (const name of names) assert.match(program.output, new RegExp(`${name} is not set`));
  });

test.run();
