/** The program as a whole: from its start to its end, and when it is configured wrongly. */
import { appendFileSync, chmodSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { serve } from '#kit/testing/server.ts';
import { clear, lines, logs, program, sequence, state, store } from './test-program.ts';

test.before.each(clear);

test('it starts before there is a file or a store, says so, and ships when both are there', async () => {
  let there = false;
  const late = await serve((incoming, response) => {
    if (there) void store.answer(incoming, response);
    else incoming.socket.destroy();
  });
  const running = await program({
    STORE_URL: `http://127.0.0.1:${late.port}`,
    STORE_ACK_MAX_AGE: '200ms',
    STORE_RETRY_MAX: '100ms',
  });
  await running.answers('/startupz', 200);
  await running.answers('/readyz', 200);
  writeFileSync(join(logs, 'a.log'), lines(0, 10));
  await running.answers('/readyz', 503, /the store has acknowledged nothing/);
  assert.match((await running.get('/metrics')).text, /shipper_file_lag_bytes\{file="[^"]*a\.log"\} [1-9]/);
  there = true;
  await running.answers('/readyz', 200);
  await eventually('the lines', () => store.counts.created === 10);
  assert.is(await running.stop(), 0);
  await late.close();
});

test('logs that may not be read: it is not ready, and says what to change', async () => {
  const closed = join(logs, 'closed');
  mkdirSync(closed);
  mkdirSync(state);
  writeFileSync(join(closed, 'a.log'), lines(0, 3));
  chmodSync(closed, 0);
  // Root reads everything: it becomes another user, who owns the state.
  const root = process.getuid!() === 0;
  if (root) for (const path of [join(logs, '..'), logs, state]) chmodSync(path, 0o777);
  const flags = root ? ['--import', 'data:text/javascript,process.setgid(65534);process.setuid(65534)'] : [];
  const running = await program({ FILE_PATHS: join(closed, '*.log') }, flags);
  await running.answers('/readyz', 503, /closed may not be read: run the sidecar as its owner: user:/);
  assert.match(running.output, /nothing of it is shipped/);
  chmodSync(closed, 0o755);
  await running.answers('/readyz', 200);
  await eventually('the lines', () => store.counts.created === 3);
  assert.is(await running.stop(), 0);
});

test('files are in the encoding that was said, and lines tell their time as was said', async () => {
  const running = await program({ FILE_ENCODING: 'utf-16le', LINE_TIME_PATTERN: '%d/%m/%Y %H:%M:%S.%f %z' });
  await running.up();
  writeFileSync(join(logs, 'a.log'), Buffer.from('21/11/2026 10:00:00.25 +0100 größer 😀\r\n', 'utf16le'));
  await running.eventually('the line', () => store.counts.created === 1);
  const { message, '@timestamp': time } = JSON.parse(store.documents[0]!.body) as Record<string, string>;
  assert.equal([message, time], ['21/11/2026 10:00:00.25 +0100 größer 😀', '2026-11-21T10:00:00.25+01:00']);
  assert.is(await running.stop(), 0);
});

test('bad configuration is one line a problem and 64', async () => {
  mkdirSync(state);
  const misspelt = join(state, 'pipelines.yaml');
  writeFileSync(misspelt, '# shop\n- paths: [/logs/a.log]\n  servce: shop\n  format: xml\n');
  for (const [env, ...messages] of [
    [
      { FILE_PATHS: 'relative', FILE_PATH: '/logs/*.log' },
      /^log-shipper: FILE_PATHS: .* has the item "relative"/m,
      /FILE_PATH is not a parameter of this sidecar; did you mean FILE_PATHS\?/,
    ],
    [{ FILE_EXCLUDE: '*.[z-a]' }, /^log-shipper: FILE_EXCLUDE: .*\[z-a\].* accepted is/m],
    [{ FILE_PATHS: '/logs/[z-a].log' }, /^log-shipper: FILE_PATHS: .*\[z-a\].* accepted is/m],
    [
      { PIPELINES_FILE: '/nowhere.yaml' },
      /^log-shipper: PIPELINES_FILE: \/nowhere\.yaml cannot be read \(ENOENT\); accepted is/m,
    ],
    [
      { PIPELINES_FILE: misspelt },
      /^log-shipper: PIPELINES_FILE: \S+, line 3: "servce" is no key of a pipeline; did you mean service\?/m,
      /^log-shipper: PIPELINES_FILE: \S+, line 4: format: "xml" is not a choice; accepted is one of lines/m,
    ],
    [
      { FILE_PATHS: '', FORWARD_PORT: '24224', PIPELINES_FILE: misspelt },
      /^log-shipper: PIPELINES_FILE is set without FILE_PATHS/m,
    ],
    [{ FILE_PATHS: '' }, /^log-shipper: FILE_PATHS and the ports of the other inputs are not set/m],
    [{ LINE_REDACT: '(a)\\1' }, /^log-shipper: LINE_REDACT: .*linear time/m],
    [{ LINE_TIME_PATTERN: '%H:%M' }, /^log-shipper: LINE_TIME_PATTERN: there is neither %m nor %b/m],
    [{ STATE_DIR: '/dev/null/state' }, /^log-shipper: STATE_DIR: \/dev\/null\/state/m],
  ] as [Record<string, string>, ...RegExp[]][]) {
    const refused = await program(env);
    assert.is(await refused.ended(), 64, refused.output);
    for (const message of messages) assert.match(refused.output, message);
  }
  assert.is(store.counts.requests, 0, 'nothing was sent');
});

test('a damaged registry is set aside: all files are shipped whole, also with FILE_START=end', async () => {
  mkdirSync(state);
  writeFileSync(join(state, 'registry'), 'garbage\n');
  writeFileSync(join(logs, 'a.log'), lines(0, 10));
  const running = await program({ FILE_START: 'end' });
  await running.up();
  await running.eventually('all lines', () => store.counts.created === 10);
  assert.match((await running.get('/metrics')).text, /shipper_state_damaged_total\{kind="registry"\} 1/);
  assert.match(running.output, /the registry is damaged and was set aside/);
  const [aside] = readdirSync(state).filter((name) => name.startsWith('registry.damaged-'));
  assert.is(readFileSync(join(state, aside!), 'utf8'), 'garbage\n');
  assert.is(await running.stop(), 0);
});

test('FILE_START and FILE_IGNORE_OLDER decide what is read of files that were there before', async () => {
  for (const name of ['a.log', 'b.log']) writeFileSync(join(logs, name), lines(0, 10));
  utimesSync(join(logs, 'b.log'), 1000, 1000);
  const first = await program({ FILE_START: 'end', FILE_IGNORE_OLDER: '1h' });
  await first.answers('/startupz', 200);
  await first.eventually('both are looked at', async () =>
    /shipper_files\{state="\w+"\} 1/.test((await first.get('/metrics')).text),
  );
  appendFileSync(join(logs, 'a.log'), lines(10, 5));
  await first.eventually('what came later', () => store.counts.created >= 5);
  assert.is(await first.stop(), 0, first.output);
  assert.equal(sequence(), [10, 11, 12, 13, 14]);
});

test("the README's pipelines: JSON beside multi-line text, each with service, rules and index", async () => {
  const file = join(state, 'pipelines.yaml');
  mkdirSync(state);
  const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8');
  const [, example] = /## Files of several kinds.*?```yaml\n(.*?)```/s.exec(readme)!;
  writeFileSync(file, example!.replaceAll('/logs/', `${logs}/`));
  mkdirSync(join(logs, 'jobs'));
  writeFileSync(join(logs, 'api-1.log'), '{"msg":"one"}\n  {"msg":"two"}\n');
  writeFileSync(
    join(logs, 'jobs', 'worker.log'),
    '2026-11-21T10:00:00Z failed: token=abc\n  at a\n  at b\nDEBUG no\nlast\n',
  );
  writeFileSync(join(logs, 'other.log'), 'password=x\n  and more\n');
  writeFileSync(join(logs, 'rest.txt'), 'password=x\n');
  const running = await program({
    PIPELINES_FILE: file,
    FILE_PATHS: `${logs}/**/*.log,${logs}/*.txt`,
    SERVICE_NAME: 'shop',
    MULTILINE_START: '^\\S',
    MULTILINE_TIMEOUT: '50ms',
    LINE_REDACT: 'password=.*',
    STORE_INDEX: 'logs-all-default',
  });
  await running.eventually('all lines', () => store.counts.created === 6, { within: 60_000 });
  assert.is(await running.stop(), 0, running.output);
  const stored = store.documents.map(({ index, body }) => {
    const { message, 'service.name': service, 'labels.team': team } = JSON.parse(body) as Record<string, string>;
    return { index: index.replace(/\d{4}\.\d\d\.\d\d$/, 'DAY'), service, message, ...(team !== undefined && { team }) };
  });
  assert.equal(
    stored.toSorted((a, b) => `${a.service} ${a.message}`.localeCompare(`${b.service} ${b.message}`, 'en')),
    [
      { index: 'logs-api-default', service: 'api', message: 'one', team: 'web' },
      { index: 'logs-api-default', service: 'api', message: 'two', team: 'web' },
      { index: 'logs-all-default', service: 'shop', message: '[redacted]' },
      { index: 'logs-all-default', service: 'shop', message: 'password=x\n  and more' },
      { index: 'worker-DAY', service: 'worker', message: '2026-11-21T10:00:00Z failed: token=***\n  at a\n  at b' },
      { index: 'worker-DAY', service: 'worker', message: 'last' },
    ],
  );
});

test('two do not share a directory, and a killed one holds nothing', async () => {
  const first = await program();
  await first.up();
  const second = await program();
  assert.is(await second.ended(), 64);
  assert.match(second.output, /^log-shipper: STATE_DIR: \S+ is in use by another shipper/m);
  await first.stop('SIGKILL');
  const third = await program();
  await third.up();
  assert.is(await third.stop(), 0);
});

test('a password in STORE_URL is not echoed', async () => {
  const { output, ended } = await program({ STORE_URL: 'https://elastic:hunter2@store:9200' }).then(async (each) => ({
    ended: await each.ended(),
    output: each.output,
  }));
  assert.is(ended, 64);
  assert.match(output, /STORE_URL/);
  assert.not.match(output, /hunter2/);
});

test.run();
