/** The program as a whole, before servers that do what a real one does not do on demand. */
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Program, startProgram } from '#kit/testing/program.ts';
import { freePort } from '#kit/testing/ports.ts';
import { bulk, testServer, type Respond, type TestServer } from './valkey/test-server.ts';

const test = suite('adapter');
const MAIN = join(import.meta.dirname, 'main.ts');
const INFO =
  '# Server\r\nredis_version:7.2.4\r\nrun_id:one\r\nuptime_in_seconds:9\r\n# Clients\r\nconnected_clients:3\r\n';

/** What a healthy server answers. */
const healthy = ([command, sub]: readonly string[]): string => {
  if (command === 'INFO') return bulk(INFO);
  if (command === 'PING') return '+PONG\r\n';
  if (command === 'AUTH' || sub === 'SETNAME') return '+OK\r\n';
  return sub === 'LEN' ? ':0\r\n' : '*0\r\n';
};

async function adapter(server: Pick<TestServer, 'port'>, env: Record<string, string> = {}): Promise<Program> {
  const program = await startProgram([MAIN], {
    ADAPTER_MODE: 'valkey',
    ADAPTER_PORT: String(server.port),
    ADAPTER_HEALTH_INTERVAL: '50ms',
    ADAPTER_SLOW_LOG_INTERVAL: '50ms',
    ...env,
  });
  await program.up();
  return program;
}

test('a database that answers is up, ready, and measured', async () => {
  const server = await testServer(healthy);
  const program = await adapter(server);
  await program.answers('/readyz', 200);
  const { text } = await program.answers('/metrics', 200, /^redis_up 1$/m);
  assert.match(text, /^redis_connected_clients 3$/m);
  assert.match(text, /^process_cpu_seconds_total /m);
  assert.is(await program.stop(), 0, program.output);
  server.close();
});

test('a database that is not there is down: redis_up 0, and no value of it, old or zero', async () => {
  const server = await testServer(healthy);
  const program = await adapter(server);
  await program.answers('/metrics', 200, /^redis_connected_clients 3$/m);
  server.close();
  const { text } = await program.answers('/metrics', 200, /^redis_up 0$/m);
  const told = [...text.matchAll(/^(redis_\w+)[{ ]/gm)].map(([, name]) => name!);
  assert.equal(
    told.filter((name) => !name.startsWith('redis_exporter_')),
    ['redis_up'],
  );
  await program.answers('/readyz', 503, /ECONNREFUSED/);
  assert.is(await program.stop(), 0, program.output);
});

test('a database that accepts connections and is silent is down after the timeout, then recovers', async () => {
  const server = await testServer(() => undefined);
  const program = await adapter(server, { ADAPTER_TIMEOUT: '100ms' });
  const { text } = await program.answers('/metrics', 200, /^redis_up 0$/m);
  assert.match(text, /redis_exporter_last_scrape_error\{err="no answer within 0.1 s"\} 1/);
  await program.answers('/readyz', 503, /no answer within/);
  server.respond = healthy;
  await program.answers('/metrics', 200, /^redis_up 1$/m);
  await program.answers('/readyz', 200);
  assert.is(await program.stop(), 0, program.output);
  server.close();
});

test('scrapes at one time share one round of questions', async () => {
  let hold = false;
  const held: (() => void)[] = [];
  const server = await testServer((command, send) => {
    if (!hold) return healthy(command);
    held.push(() => send(healthy(command)));
    return undefined;
  });
  const program = await adapter(server, { ADAPTER_TIMEOUT: '60s', ADAPTER_SLOW_LOG_INTERVAL: '0' });
  await program.answers('/metrics', 200, /^redis_up 1$/m);
  const rounds = (): Promise<number> => program.metric('adapter_rounds_total');
  // A scrape may come late on a busy machine, when the round is over: then the next eight are looked at.
  await program.eventually('eight scrapes share a round', async () => {
    const before = await rounds();
    hold = true;
    const asking = Array.from({ length: 8 }, () => program.get('/metrics'));
    await program.eventually('the questions have come', () => held.length > 6);
    await Promise.all(Array.from({ length: 8 }, () => program.get('/healthz')));
    hold = false;
    for (const send of held.splice(0)) send();
    for (const { text } of await Promise.all(asking)) assert.match(text, /^redis_connected_clients 3$/m);
    // One for the eight, and one for this look.
    return (await rounds()) - before === 2;
  });
  assert.is(await program.stop(), 0, program.output);
  server.close();
});

test('what is no RESP, refused, loading or busy is down, with the reason', async () => {
  const answers: Record<string, RegExp> = {
    'HTTP/1.1 400 Bad Request\r\n\r\n': /no RESP/,
    '-LOADING the dataset\r\n': /LOADING the dataset/,
    '-BUSY a script\r\n': /BUSY a script/,
    '*2000000000\r\n': /a length of 2000000000/,
  };
  const server = await testServer(() => undefined);
  const program = await adapter(server, { ADAPTER_SLOW_LOG_INTERVAL: '0' });
  for (const [bytes, reason] of Object.entries(answers)) {
    server.respond = () => bytes;
    const { text } = await program.answers('/metrics', 200, reason);
    assert.match(text, /^redis_up 0$/m);
    await program.answers('/readyz', 503, reason);
  }
  assert.is(await program.stop(), 0, program.output);
  server.close();
});

test('the end does not wait for a database that hangs', async () => {
  const server = await testServer(() => undefined);
  const program = await adapter(server, { ADAPTER_TIMEOUT: '60s', SHUTDOWN_TIMEOUT: '20s' });
  await program.eventually('a health check and a look at the slow log wait', () =>
    ['PING', 'INFO'].every((name) => server.asked.some(([command]) => command === name)),
  );
  const code = await program.stop();
  server.close();
  assert.is(code, 0, program.output);
  assert.not.match(program.output, /cannot be read/);
});

test('a query that the user may not run is left out, counted and logged; the others are answered', async () => {
  const server = await testServer((command) =>
    command[0] === 'LATENCY' ? '-NOPERM no permissions\r\n' : healthy(command),
  );
  const program = await adapter(server);
  const { text } = await program.answers('/metrics', 200, /^redis_up 1$/m);
  assert.match(text, /^redis_connected_clients 3$/m);
  await program.answers('/metrics', 200, /^adapter_refused_queries_total\{query="latency_latest"\} [1-9]/m);
  assert.match(program.output, /NOPERM/);
  assert.is(await program.stop(), 0, program.output);
  server.close();
});

test('a password is used, and neither it nor a refusal of it ends in the log', async () => {
  const server = await testServer(healthy);
  const program = await adapter(server, { ADAPTER_USER: 'watch', ADAPTER_PASSWORD: 'hunter2' });
  await program.answers('/metrics', 200, /^redis_up 1$/m);
  assert.equal(server.asked[0], ['AUTH', 'watch', 'hunter2']);
  server.respond = ([command]) => (command === 'AUTH' ? '-WRONGPASS invalid\r\n' : undefined);
  const { text } = await program.answers('/metrics', 200, /WRONGPASS invalid/);
  assert.not.match(text + program.output, 'hunter2');
  assert.is(await program.stop(), 0, program.output);
  server.close();
});

test('an expensive question is asked on its own interval, and its answer tells its age', async () => {
  const scan: Respond = (command) =>
    command[0] === 'SCAN'
      ? command[1] === '0'
        ? '*2\r\n$1\r\n7\r\n*1\r\n$1\r\na\r\n'
        : '*2\r\n$1\r\n0\r\n*0\r\n'
      : healthy(command);
  const server = await testServer(scan);
  const program = await adapter(server, { ADAPTER_COUNT_KEYS: 'db3=a*', ADAPTER_EXPENSIVE_INTERVAL: '1h' });
  await program.answers('/metrics', 200, /^redis_keys_count\{db="db3",key="a\*"\} 1$/m);
  const { text } = await program.answers('/metrics', 200, /^adapter_cached_age_seconds\{query="keys"\} /m);
  assert.match(text, /^redis_up 1$/m);
  assert.is(server.asked.filter(([command]) => command === 'SCAN').length, 2);
  server.respond = () => undefined;
  server.close();
  const down = await program.answers('/metrics', 200, /^redis_up 0$/m);
  assert.not.match(down.text, /^(?:redis_keys_count|adapter_cached_age_seconds)\{/m);
  assert.is(await program.stop(), 0, program.output);
});

test('parameters that do not go together are refused, by name', async () => {
  const cases: [Record<string, string>, RegExp][] = [
    [{}, /ADAPTER_MODE is not set/],
    [{ ADAPTER_MODE: 'mariadb' }, /ADAPTER_USER: is required/],
    [{ ADAPTER_MODE: 'valkey', ADAPTER_TABLES: 'true' }, /ADAPTER_TABLES: is for/],
    [{ ADAPTER_MODE: 'mariadb', ADAPTER_USER: 'a', ADAPTER_COUNT_KEYS: 'a*' }, /ADAPTER_COUNT_KEYS: is for/],
    [{ ADAPTER_MODE: 'valkey', ADAPTER_TLS_CA: '/nowhere.pem' }, /ADAPTER_TLS_CA: \/nowhere.pem cannot be read/],
  ];
  for (const [env, why] of cases) {
    const program = new Program([MAIN], { ADMIN_ADDRESS: '127.0.0.1', ADMIN_PORT: String(await freePort()), ...env });
    assert.is(await program.ended(), 64, program.output);
    assert.match(program.output, why);
  }
});

test.run();
