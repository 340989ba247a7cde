/** Documents that are made to end, freeze or fill the sidecar: each is refused or taken, and it goes on. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Rig } from './testing/rig.ts';
import type { Sidecar } from './testing/sidecar.ts';

let rig: Rig;
test.before.each(async () => {
  rig = await Rig.open();
});
test.after.each(() => rig[Symbol.asyncDispose]());

/** Longest that an answer of the admin port may take meanwhile on a busy machine, in milliseconds; without a limit it took 32 s. */
const PROMPT = 10_000;

/** A sidecar that takes documents of a syntax, checked by a schema when there is one, for so long at most. */
async function taking(format: string, first: string, timeout: string, schema?: object): Promise<Sidecar> {
  const path = join(rig.directory, 'schema.json');
  if (schema) writeFileSync(path, JSON.stringify(schema));
  rig.server.put('app', first);
  const sidecar = await rig.start({
    CONFIG_FORMAT: format,
    CONFIG_NOTIFY: '',
    CONFIG_VERIFY: '',
    CONFIG_VERIFY_EXPECT: '',
    CONFIG_CHECK_TIMEOUT: timeout,
    ...(schema && { CONFIG_SCHEMA: path }),
  });
  await rig.report('applied', 1);
  return sidecar;
}

/** Ask for its health again and again until some work is done; the longest answer in milliseconds. */
async function slowestHealth(sidecar: Sidecar, work: Promise<unknown>): Promise<number> {
  let done = false;
  const ended = work.finally(() => (done = true));
  ended.catch(() => {});
  let slowest = 0;
  while (!done) {
    const began = performance.now();
    await sidecar.get('/healthz');
    slowest = Math.max(slowest, performance.now() - began);
  }
  await ended;
  return slowest;
}

const REFUSED = {
  'YAML that contains itself': ['yaml', 'a: &a [*a]\n', { type: 'object' }, /contains itself/],
  'YAML whose aliases multiply': [
    'yaml',
    `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghij'
      .split('')
      .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghi'[index]}`).join(',')}]\n`)
      .join('')}`,
    { type: 'object' },
    /aliases/,
  ],
  'JSON 100,000 deep': [
    'json',
    `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
    { type: ['object', 'array'] },
    /nested/,
  ],
  'TOML 100,000 deep': ['toml', `a = ${'['.repeat(100_000)}${']'.repeat(100_000)}`, { type: 'object' }, /nest/],
  'a text that a pattern of the schema backtracks on': [
    'json',
    JSON.stringify({ a: `${'a'.repeat(40)}!` }),
    { properties: { a: { pattern: '^(a+)+$' } } },
    /longer than|in time/,
  ],
} as const;

const FIRST = { yaml: 'release: 1\n', json: '{"release": 1}', toml: 'release = 1\n' };

for (const [what, [format, hostile, schema, reason]] of Object.entries(REFUSED)) {
  test(`${what} is refused, its reason reported, and the next document taken`, async () => {
    const sidecar = await taking(format, FIRST[format], '5s', schema);
    const before = rig.stamp();
    rig.server.put('app', hostile);
    const slowest = await slowestHealth(sidecar, rig.report('rejected', 2));
    assert.match(rig.server.reports.at(-1)!.reason!, reason);
    assert.is(rig.stamp(), before);
    assert.ok(slowest < PROMPT, `/healthz took ${slowest} ms`);
    rig.server.put('app', FIRST[format].replace('1', '3'));
    await rig.report('applied', 3);
    assert.is(sidecar.child.exitCode, null, sidecar.output);
  });
}

const LARGE = {
  'a flat map': Array.from({ length: 40_000 }, (_, index) => `key${index}: value ${index}\n`).join(''),
  'a list of aliases': `a: &a x\nb:\n${'- *a\n'.repeat(180_000)}`,
  'a flow sequence': `a: [${'1,'.repeat(450_000)}1]\n`,
};

for (const [what, document] of Object.entries(LARGE)) {
  test(`YAML of the largest size is taken without a break, as ${what}`, async () => {
    assert.ok(document.length > 800_000 && document.length < 1024 * 1024, String(document.length));
    const sidecar = await taking('yaml', FIRST.yaml, '55s');
    rig.server.put('app', document);
    const slowest = await slowestHealth(sidecar, rig.report('applied', 2));
    assert.is(rig.read(), document);
    assert.ok(slowest < PROMPT, `/healthz took ${slowest} ms`);
  });
}

test.run();
