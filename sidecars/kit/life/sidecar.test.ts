/** The life of a whole sidecar, as a process: started, asked, told to end. */
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { request } from '../net/http-client.ts';
import { startProgram, type Program } from '../testing/program.ts';
import { serve } from '../testing/server.ts';

const kit = (file: string): string => JSON.stringify(join(import.meta.dirname, file));

/** A sidecar whose job is `job`; its environment is `env` and nothing else. */
function start(job: string, env: Readonly<Record<string, string>> = {}, ...args: string[]): Promise<Program> {
  const program = `
    import { defineContract } from ${kit('../contract/contract.ts')};
    import { runSidecar } from ${kit('sidecar.ts')};
    import { ConfigurationError } from ${kit('../contract/parameters.ts')};
    const contract = defineContract({
      name: 'example', version: '1.0.0', description: 'Shows the life of a sidecar.', prefixes: ['EXAMPLE_'],
      adminPort: '9999', ports: {}, metrics: {},
      parameters: { EXAMPLE_WORD: { type: 'string', default: 'hello', description: 'A word.' } },
    });
    await runSidecar(contract, async ({ log, parameters, readiness, shutdown, adminPath }) => { ${job} });`;
  return startProgram(['--input-type=module', '-e', program, '--', 'example.mjs', ...args], {
    LOG_LEVEL: 'info',
    ...env,
  });
}

test('it has started when its job is up, and not before', async () => {
  const run = await start(`await new Promise((go) => adminPath('/go', (_q, r) => { r.end(); go(); }));`);
  await run.answers('/startupz', 503);
  await run.answers('/healthz', 200);
  await run.answers('/go', 200);
  await run.answers('/startupz', 200);
  await run.answers('/readyz', 200);
  assert.is(await run.stop(), 0, run.output);
});

test('its page shows what was logged as a problem, and loads nothing', async () => {
  const run = await start(
    `log.info('fine'); log.child({ part: 1 }).warn({ error: 'no such host' }, 'the store is away');`,
  );
  await run.answers('/startupz', 200);
  const { status, headers, body } = await request(`http://127.0.0.1:${run.env['ADMIN_PORT']}/`);
  assert.is(status, 200);
  assert.match(String(headers['content-security-policy']), /^default-src 'none'; style-src 'sha256-/);
  assert.match(String(body), /the store is away<small>no such host/);
  assert.not.match(String(body), /fine/);
  assert.is(await run.stop(), 0, run.output);
});

test('which version runs is a metric', async () => {
  const run = await start('');
  await run.answers('/metrics', 200, /^example_build_info\{version="1\.0\.0"\} 1$/m);
  assert.is(await run.stop(), 0, run.output);
});

test('SIGTERM: unready first, then the steps in their order, then exit 0', async () => {
  const run = await start(
    `shutdown.step('drain', () => new Promise((go) => adminPath('/drained', (_q, r) => { r.end(); go(); })));`,
  );
  await run.answers('/readyz', 200);
  run.child.kill('SIGTERM');
  await run.answers('/readyz', 503);
  await run.answers('/healthz', 200);
  await run.answers('/drained', 200);
  assert.is(await run.ended(), 0, run.output);
});

test('a parameter that is wrong exits with 64 and one line that says so', async () => {
  const run = await start('', { EXAMPLE_WORDS: 'x' });
  assert.is(await run.ended(), 64);
  assert.match(run.output, /^example: EXAMPLE_WORDS\b.*\bEXAMPLE_WORD\b.*\n$/);
});

test('a job that refuses its configuration exits with 64, one that fails with 70', async () => {
  const refusing = await start(
    `throw new ConfigurationError([{ parameter: 'EXAMPLE_WORD', reason: 'malformed', message: 'EXAMPLE_WORD: is rude' }]);`,
  );
  assert.is(await refusing.ended(), 64, refusing.output);
  assert.match(refusing.output, /example: EXAMPLE_WORD: is rude\n/);
  const failing = await start(`throw new Error('no disk');`);
  assert.is(await failing.ended(), 70, failing.output);
  assert.match(failing.output, /"msg":"could not start"/);
});

test('an error that nobody caught ends it with 70, and is told', async () => {
  const run = await start(`setImmediate(() => { throw new Error('a bug'); });`);
  assert.is(await run.ended(), 70, run.output);
  assert.match(run.output, /"level":"fatal".*a bug/);
});

test('a port that is taken exits with 64 and says what is accepted', async () => {
  await using taken = await serve(() => {});
  const run = await start('', { ADMIN_PORT: String(taken.port) });
  assert.is(await run.ended(), 64, run.output);
  assert.match(run.output, /ADMIN_PORT: 127\.0\.0\.1:\d+ is in use/);
});

test('questions are answered without starting', async () => {
  const help = await start('', {}, '--help');
  assert.is(await help.ended(), 0);
  assert.match(help.output, /EXAMPLE_WORD/);
  const document = await start('', {}, '--contract');
  assert.is(await document.ended(), 0);
  assert.is((JSON.parse(document.output) as { name: string }).name, 'example');
});

test.run();
