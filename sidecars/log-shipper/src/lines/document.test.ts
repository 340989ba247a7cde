import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfigurationError } from '#kit/contract/parameters.ts';
import { Documents, member } from './document.ts';
import { compilePattern, Rules, type RulesOptions } from './rules.ts';

const TIME = '2026-01-02T03:04:05.678Z';

function documents(rules: Partial<RulesOptions> = {}, limit = 1000): Documents {
  return new Documents({
    rules: new Rules({ LINE_DROP: undefined, LINE_REDACT: undefined, LINE_REDACT_WITH: '***', ...rules }),
    limit,
    ours: ['@timestamp', 'log.file.path', 'log.offset', 'host.name'],
  });
}

function create(
  text: string,
  {
    rules = {},
    cut = false,
    foreign = false,
    multiline = false,
    limit = 1000,
  }: { rules?: Partial<RulesOptions>; cut?: boolean; foreign?: boolean; multiline?: boolean; limit?: number } = {},
): Record<string, unknown> | undefined {
  const body = documents(rules, limit).create(text, {
    members: member('log.file.path', '/logs/app.log') + member('log.offset', 7),
    time: () => TIME,
    cut,
    foreign,
    multiline,
  });
  if (body !== undefined) assert.not.match(body, '\n');
  return body === undefined ? undefined : (JSON.parse(body) as Record<string, unknown>);
}

const common = { '@timestamp': TIME, 'log.file.path': '/logs/app.log', 'log.offset': 7 };

test('a line of text is the message', () => {
  assert.equal(create('hello "world" \u0000\t'), { ...common, message: 'hello "world" \u0000\t' });
  assert.equal(create('{not json'), { ...common, message: '{not json' });
  assert.equal(create('[1, 2]'), { ...common, message: '[1, 2]' });
});

test('a line of JSON is fields, with the names of the schema', () => {
  assert.equal(create('{"time":"2026-11-21T08:00:00.5+01:00","level":"WARN","msg":"hi","user":{"id":1}}'), {
    ...common,
    '@timestamp': '2026-11-21T08:00:00.5+01:00',
    user: { id: 1 },
    message: 'hi',
    'log.level': 'warn',
  });
  // A number that a double does not hold is stored as it was written.
  const exact = documents().create('{"seq":12345678901234567890,"x":0.12345678901234567890}', {
    members: '',
    time: () => TIME,
    cut: false,
    foreign: false,
    multiline: false,
  });
  assert.is(exact, `{"@timestamp":"${TIME}","seq":12345678901234567890,"x":0.12345678901234567890}`);
});

test("an application's time is taken in the usual forms, and left where it makes no sense", () => {
  for (const [written, taken] of [
    ['"2026-11-21T08:00:00Z"', '2026-11-21T08:00:00Z'],
    ['"2026-11-21T08:00:00,123456789+0100"', '2026-11-21T08:00:00.123456789+01:00'],
    ['1763712000', '2025-11-21T08:00:00.000Z'],
    ['1763712000123', '2025-11-21T08:00:00.123Z'],
    ['1763712000123456', '2025-11-21T08:00:00.123456Z'],
    ['1763712000123456789', '2025-11-21T08:00:00.123456789Z'],
  ])
    assert.is(create(`{"ts":${written}}`)!['@timestamp'], taken);
  for (const written of [
    '"yesterday"',
    '"2026-02-30T00:00:00Z"',
    '"2026-13-01T00:00:00Z"',
    '5',
    '-1',
    '1e30',
    'null',
    '{}',
  ]) {
    const document = create(`{"ts":${written}}`)!;
    assert.is(document['@timestamp'], TIME, written);
    assert.ok('ts' in document, written);
    assert.is(create(`{"@timestamp":${written}}`)!['@timestamp'], TIME, written);
  }
});

test('what would not fit the schema is kept as a label, and nothing of ours is there twice', () => {
  const line = '{"log":"text","host":"h","labels":["a"],"error":"boom","log.offset":1,"message":{"a":1}}';
  assert.equal(create(line), {
    ...common,
    message: '{"a":1}',
    'error.message': 'boom',
    'labels.log': 'text',
    'labels.host': 'h',
    'labels.labels': '["a"]',
  });
  assert.equal(create('{"log":{"level":"info","offset":3,"file":{"path":"x"}}}'), {
    ...common,
    log: { level: 'info' },
  });
  assert.equal(create('{"err":{"message":"m","stack":"s","type":"t"}}'), {
    ...common,
    error: { message: 'm', stack_trace: 's', type: 't' },
  });
  assert.equal(create('{}'), common);
});

/** The names of a document's members, each as often as it is there. */
function namesOf(body: string): string[] {
  const names: string[] = [];
  let depth = 0;
  for (const [token, , colon] of body.matchAll(/"(?:[^"\\]|\\.)*"(\s*)(:?)|[[\]{}]/g)) {
    if (token === '{' || token === '[') depth += 1;
    else if (token === '}' || token === ']') depth -= 1;
    else if (depth === 1 && colon === ':') names.push(JSON.parse(token.slice(0, -1)) as string);
  }
  return names;
}

test('what the input says is stored once, also when the line is written for the schema too', () => {
  const told = {
    'host.name': 'pod',
    'service.name': 'shop',
    'event.dataset': 'tag',
    'container.id': 'c0ffee',
    'container.name': 'shop-1',
    stream: 'stdout',
    'container.labels.team': 'a',
    'labels.service': 'told',
    'labels.host': 'told',
  };
  const name = fc.constantFrom(...Object.keys(told), 'service', 'host', 'container', 'labels', 'msg', 'time', 'own');
  fc.assert(
    fc.property(
      fc.dictionary(name, fc.oneof(fc.string(), fc.integer(), fc.constant({ a: 1 }), fc.constant(null))),
      fc.subarray(Object.keys(told)),
      (line, said) => {
        const members = Object.entries(told).filter(([each]) => said.includes(each));
        const own = said.filter((each) => each.startsWith('labels.') || each === 'host.name');
        const rules = new Rules({ LINE_DROP: undefined, LINE_REDACT: undefined, LINE_REDACT_WITH: '' });
        const body = new Documents({ rules, limit: 1000, ours: own }).create(JSON.stringify(line), {
          members: members.map(([each, value]) => member(each, value)).join(''),
          time: () => TIME,
          cut: false,
          foreign: false,
          multiline: false,
        })!;
        const names = namesOf(body);
        assert.is(new Set(names).size, names.length, body);
        const stored = JSON.parse(body) as Record<string, unknown>;
        for (const [each, value] of members) assert.is(stored[each], value);
      },
    ),
    { numRuns: 1000 },
  );
});

test('a stack trace behind a line of JSON is its stack trace', () => {
  assert.equal(create('{"level":"error","msg":"no"}\r\n  at a\r\n  at b', { multiline: true }), {
    ...common,
    'log.flags': ['multiline'],
    message: 'no',
    'log.level': 'error',
    'error.stack_trace': '  at a\n  at b',
  });
});

test('a line that was cut is its beginning, marked', () => {
  const { message, 'log.flags': flags } = create('x'.repeat(60), { cut: true, limit: 50 })!;
  assert.is(message, 'x'.repeat(50));
  assert.equal(flags, ['truncated']);
  assert.is(create(`${'x'.repeat(49)}😀`, { cut: true, limit: 50 })!['message'], `${'x'.repeat(49)}\ufffd`);
});

test('any line is a document, and of a line of JSON nothing is lost', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.json(),
        fc.dictionary(fc.string(), fc.jsonValue()).map((each) => JSON.stringify(each)),
      ),
      (line) => {
        if (line.includes('\n')) return;
        const document = create(line)!;
        assert.is(document['log.offset'], 7);
        const text = JSON.stringify(document);
        const parsed = ((): unknown => {
          try {
            return JSON.parse(line) as unknown;
          } catch {
            return undefined;
          }
        })();
        if (parsed === null || typeof parsed !== 'object' || Array.isArray(parsed))
          assert.is(document['message'], line);
        else
          for (const name of Object.keys(parsed)) {
            if (
              /^[a-z]*$/.test(name) &&
              /time|ts|level|severity|msg|log|host|service|container|labels|err|stack|exception/.test(name)
            )
              continue;
            assert.ok(name in document || name === '__proto__', `${name} in ${text}`);
          }
      },
    ),
    { numRuns: 1000 },
  );
});

test('nothing that a rule redacts leaves, however it is written', () => {
  const rules = { LINE_REDACT: 'hunter2|password=\\S+|("token":\\s*")[^"]*', LINE_REDACT_WITH: '$1***' };
  for (const line of [
    'user=a password=hunter2 b',
    '{"msg":"password=abc","deep":[{"x":"hunter2"}]}',
    '{"msg":"p\\u0061ssword=abc"}',
    '{"msg":"password=abc","user":"hunt\\u0065r2"}',
    '{"hunter2":1}',
    '{"token": "abc", "a":1}',
    '{"msg":"password=abc',
    '{"a":"hunt\\u0065r2","msg":"password=abc","more":1',
  ]) {
    const text = JSON.stringify(create(line, { rules }));
    assert.not.match(text, /hunt|abc/, `${line} left as ${text}`);
  }
  assert.is(create('{"token":"abc","a":1}', { rules })!['token'], '***', 'a rule that minds the quotes leaves JSON');
});

test('a secret across the cut is redacted', () => {
  const rules = { LINE_REDACT: 'secret-\\d+-end' };
  const text = JSON.stringify(create(`${'x'.repeat(45)}secret-123456-end and more`, { rules, cut: true, limit: 50 }));
  assert.not.match(text, 'secr');
});

test('a rule drops lines', () => {
  const rules = { LINE_DROP: '^DEBUG|GET /healthz' };
  assert.is(create('DEBUG x', { rules }), undefined);
  assert.is(create('{"path":"GET /healthz"}', { rules }), undefined);
  assert.ok(create('INFO DEBUG', { rules }));
});

test('a pattern that may take exponential time is refused, or does not', () => {
  for (const pattern of ['(a)\\1', 'a(?=b)', 'a(?!b)', '(', 'a{2,100000}']) {
    assert.throws(
      () => compilePattern('LINE_DROP', pattern),
      (error: unknown) => error instanceof ConfigurationError && error.message.startsWith('LINE_DROP: '),
      pattern,
    );
  }
  const begun = performance.now();
  assert.is(compilePattern('LINE_DROP', '^(a+)+$').test(`${'a'.repeat(100_000)}b`), false);
  assert.is(compilePattern('LINE_DROP', '(x+x+)+y').test('x'.repeat(20_000)), false);
  assert.ok(performance.now() - begun < 30_000, 'linear time');
});

test.run();
