import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfigurationError, readParameters } from '#kit/contract/parameters.ts';
import { contract } from '../contract.ts';
import type { FilePlan } from './plan.ts';
import { readSettings } from './settings.ts';

const directory = mkdtempSync(join(tmpdir(), 'config-settings-'));
test.after(() => rmSync(directory, { recursive: true }));

async function read(env: Record<string, string>): Promise<FilePlan[]> {
  const source = { env: { CONFIG_URL: 'http://127.0.0.1:1', ...env }, prefixes: contract.prefixes };
  return await readSettings(readParameters(contract.parameters, source).values);
}

async function problems(env: Record<string, string>): Promise<string[]> {
  try {
    await read(env);
    return [];
  } catch (error) {
    assert.instance(error, ConfigurationError);
    return (error as ConfigurationError).problems.map(({ message }) => message);
  }
}

function spec(text: string): string {
  const path = join(directory, 'spec.yaml');
  writeFileSync(path, text);
  return path;
}

test('files by CONFIG_FILES share what the parameters say', async () => {
  const plans = await read({
    CONFIG_FILES: 'a.ini=/etc/a.ini, b=/etc/b.json',
    CONFIG_NOTIFY: 'signal:HUP@app',
    CONFIG_VERIFY: 'healthy:tcp:127.0.0.1:80',
    CONFIG_FILE_MODE: '0640',
  });
  assert.equal(
    plans.map(({ key, path, mode, rules }) => [key, path, mode, rules.syntax]),
    [
      ['a.ini', '/etc/a.ini', 0o640, 'ini'],
      ['b', '/etc/b.json', 0o640, 'json'],
    ],
  );
  assert.equal(plans[1]!.notification, { kind: 'signal', signal: 'SIGHUP', process: 'app' });
  assert.is(plans[1]!.verification?.hold, 2000);
});

test('files of CONFIG_SPEC have settings of their own, and may take back the shared ones', async () => {
  const path = spec(`files:
  - { key: a, path: /etc/a, notify: 'signal:USR1@b', verify_for: 5s, format: toml }
  - { key: b, path: /etc/b, notify: null, verify: '' }
`);
  const [a, b] = await read({ CONFIG_SPEC: path, CONFIG_NOTIFY: 'terminate', CONFIG_VERIFY: 'shows:/run/v' });
  assert.equal(a!.notification, { kind: 'signal', signal: 'SIGUSR1', process: 'b' });
  assert.is(a!.verification?.hold, 5000);
  assert.is(a!.rules.syntax, 'toml');
  assert.is(b!.notification, undefined);
  assert.is(b!.verification, undefined);
});

test('what is wrong is said with what is accepted', async () => {
  for (const [env, message] of [
    [{}, /^CONFIG_FILES: neither it nor CONFIG_SPEC names a file/],
    [{ CONFIG_FILES: 'a=/x,b=/x' }, /^CONFIG_FILES: \/x is named twice/],
    [
      { CONFIG_FILES: 'a=/x', CONFIG_NOTIFY: 'hup' },
      /^CONFIG_NOTIFY: "hup" is no notification; accepted is signal:HUP@PROCESS/,
    ],
    [{ CONFIG_FILES: 'a=/x', CONFIG_VERIFY: 'x' }, /^CONFIG_VERIFY: "x" is no verification; accepted is shows:URL/],
    [
      { CONFIG_FILES: 'a=/x', CONFIG_VERIFY: 'shows:/y', CONFIG_VERIFY_EXPECT: '/x/' },
      /^CONFIG_VERIFY_EXPECT: \/x\/ has 0 groups/,
    ],
    [{ CONFIG_FILES: 'a=/x', CONFIG_CHECK: 'true' }, /^CONFIG_CHECK: "true" has no \{\}/],
    [{ CONFIG_FILES: 'a=/x', CONFIG_CHECK: "sh '{}" }, /^CONFIG_CHECK: the quote ' is not closed/],
    [{ CONFIG_FILES: 'a=/x.json', CONFIG_SCHEMA: '/nowhere' }, /^CONFIG_SCHEMA: ENOENT/],
    [{ CONFIG_FILES: 'a=/x', CONFIG_VERIFY_EXPECT: 'x' }, /^CONFIG_VERIFY_EXPECT: nothing is verified; accepted with/],
    [{ CONFIG_FILES: 'a=/x', CONFIG_VERIFY_FOR: '1s' }, /^CONFIG_VERIFY_FOR: nothing is verified/],
    [{ CONFIG_FILES: 'a=/x', CONFIG_USER: 'me' }, /^CONFIG_USER: CONFIG_SOURCE is http; accepted with .*etcd/],
    [{ CONFIG_FILES: 'a=/x', CONFIG_PASSWORD: 'x' }, /^CONFIG_PASSWORD: CONFIG_SOURCE is http/],
    [{ CONFIG_FILES: 'a=/x', CONFIG_SOURCE: 'etcd', CONFIG_TOKEN: 'x' }, /^CONFIG_TOKEN: CONFIG_SOURCE is etcd/],
    [{ CONFIG_SPEC: '/nowhere' }, /^CONFIG_SPEC: \/nowhere cannot be read/],
    [{ CONFIG_SPEC: spec('x: [') }, /^CONFIG_SPEC: .* cannot be read/],
  ] as const) {
    assert.match((await problems(env)).join('\n'), message);
  }
  for (const [text, message] of [
    ['[]', /has no list "files"; accepted is files:/],
    ['files: [1]', /files\[0\] is no mapping/],
    ['files: [{key: a, path: b}]', /files\[0\] lacks an absolute path; accepted is \{key: KEY, path/],
    ['files: [{key: a, path: /b, verify_expect: x}]', /\/b: verify_expect: nothing is verified; accepted with verify/],
    ['files: [{key: a, path: /b, template: /t}]', /files\[0\] has both a key and a template/],
    ['files: [{path: /b, template: /t}]', /files\[0\] lacks the documents of its template/],
    ['files: [{path: /b, template: /t, documents: {a-b: c}}]', /files\[0\] has a document "a-b", which is no name/],
    ['files: [{path: /b, template: /nowhere, documents: {a: c}}]', /\/b: its template \/nowhere: ENOENT/],
    ['files: [{key: a, path: /b, verifi: x}]', /files\[0\]: verifi is not a setting of a file; did you mean verify\?/],
    [
      'files: [{key: a, path: /b, format: xml}]',
      /files\[0\]: format: "xml" is not a choice; accepted is one of auto, text/,
    ],
  ] as const) {
    assert.match((await problems({ CONFIG_SPEC: spec(text) })).join('\n'), message);
  }
  const schema = join(directory, 'schema.json');
  writeFileSync(schema, 'true');
  const text = await problems({ CONFIG_FILES: 'a=/x.conf', CONFIG_SCHEMA: schema });
  assert.match(text.join('\n'), /^CONFIG_SCHEMA: \/x\.conf is plain text, which has no structure/);
});

test('any CONFIG_FILES and any CONFIG_SPEC is read, or refused as bad configuration', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(fc.string({ unit: 'grapheme' }), fc.stringMatching(/^[a-b=/,. ]{0,20}$/)),
      fc.oneof(
        fc.string(),
        fc.json().map((json) => `files: [${json}]`),
      ),
      async (files, text) => {
        const wrong = await problems({ CONFIG_FILES: files, CONFIG_SPEC: spec(text) });
        assert.ok(
          wrong.every((message) => /^CONFIG_(FILES|SPEC)/.test(message)),
          wrong.join('\n'),
        );
      },
    ),
    { numRuns: 200 },
  );
});

test.run();
