/** The admin port's page tells a person what a sidecar is and how it is, and no secret. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { defineContract } from '../contract/contract.ts';
import { readParameters } from '../contract/parameters.ts';
import { Problems } from '../telemetry/problems.ts';
import { adminPage, type PageOptions } from './admin-page.ts';
import { Readiness } from './readiness.ts';
import { STYLE } from './style.ts';

const contract = defineContract({
  name: 'example',
  version: '1.2.3',
  description: 'Shows <itself>.',
  prefixes: ['EXAMPLE_'],
  adminPort: '9999',
  ports: {},
  metrics: {},
  parameters: {
    EXAMPLE_WORD: { type: 'string', default: 'hello', description: 'A word.' },
    EXAMPLE_WAIT: { type: 'duration', unit: 's', default: '2s', description: 'How long.' },
    EXAMPLE_KEY: { type: 'string', secret: true, description: 'A key.' },
    EXAMPLE_URL: { type: 'url', description: 'Where.' },
    EXAMPLE_NONE: { type: 'string', description: 'Not set.' },
  },
});

function pageOf(env: Record<string, string>, more: Partial<PageOptions> = {}): string {
  return adminPage({
    contract,
    parameters: readParameters(contract.parameters, { env }).values,
    ready: true,
    checks: [],
    started: Date.now() - 7_300_000,
    problems: [],
    paths: ['/metrics'],
    ...more,
  });
}

test('parameters are shown with their units, and which were set; secrets and passwords are not', () => {
  const page = pageOf({
    EXAMPLE_WORD: 'hello',
    EXAMPLE_WAIT: '5s',
    EXAMPLE_KEY: 'hush',
    EXAMPLE_URL: 'http://a:hush@b/',
  });
  assert.not.match(page, /hush/);
  assert.match(page, /EXAMPLE_WAIT<\/code> <strong>set<\/strong><\/dt><dd><code>5000 ms<\/code>/);
  assert.match(page, /EXAMPLE_WORD<\/code><\/dt><dd><code>hello<\/code>/);
  assert.match(page, /EXAMPLE_KEY<\/code><\/dt><dd>set, not shown/);
  assert.match(page, /http:\/\/\[redacted\]@b\//);
  assert.not.match(page, /EXAMPLE_NONE/);
  assert.match(page, /Started 2 h ago/);
  assert.match(page, /<a href="\/metrics">/);
});

test('text from outside is text', () => {
  const problems = new Problems();
  problems.note([{ reason: '"><script>alert(1)</script>' }, '<b>refused</b>'], 40);
  const page = pageOf({ EXAMPLE_WORD: `'"><script>` }, { problems: problems.list() });
  assert.not.match(page, /<script|<b>|<itself>/);
  assert.match(page, /&lt;b&gt;refused/);
});

test('the last ten different problems are kept, each with its cause and how often it came', () => {
  const problems = new Problems();
  problems.note(['all is well'], 30);
  for (let index = 0; index < 30; index++) problems.note([{ err: new Error(`cause ${index}`) }, 'it failed'], 50);
  for (let again = 0; again < 3; again++) problems.note([{ error: 'x'.repeat(100_000) }, 'lost'], 40);
  const list = problems.list();
  assert.is(list.length, 10);
  assert.is(list[0]!.count, 3);
  assert.ok(list[0]!.cause.length <= 301);
  assert.equal([list[1]?.level, list[1]?.message, list[1]?.cause], ['error', 'it failed', 'cause 29']);
  assert.match(pageOf({}, { problems: list }), /warn \d+ s ago, 3 times/);
});

test('a check says since when it is well or not', () => {
  let now = 1000;
  const readiness = new Readiness(() => now);
  const [application, watcher] = [readiness.check('app'), readiness.check('watcher', 10_000)];
  application.pass();
  watcher.pass('all files');
  now += 5000;
  application.pass();
  application.fail('ECONNREFUSED');
  now += 3000;
  application.fail('ECONNREFUSED');
  assert.equal(
    readiness.states().map(({ name, ready, text, age }) => [name, ready, text, age]),
    [
      ['app', false, 'ECONNREFUSED', 3000],
      ['watcher', true, 'all files', 8000],
    ],
  );
  now += 12_000;
  const [, stale] = readiness.states();
  assert.equal([stale?.ready, stale?.age], [false, 10_000], 'since its last success was too old');
  const page = pageOf({}, { ready: false, checks: readiness.states() });
  assert.match(page, /<p class="state" data-state="bad">not ready/);
  assert.match(page, /not well<\/span> since 15 s<small>ECONNREFUSED/);
});

test('its colours are those of the other pages', () => {
  const base = readFileSync(join(import.meta.dirname, '../page/base.css'), 'utf8');
  for (const [line] of STYLE.matchAll(/--\w+: [^;]+;/g)) assert.ok(base.includes(line), line);
});

test.run();
