/** Keys (RFC 9111, section 2), Vary (section 4.1), conditions (RFC 9110, section 13), ranges (section 14), invalidation (RFC 9111, section 4.4), cookies and facts. */
import fc from 'fast-check';
import { parseList } from 'structured-headers';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cacheStatus } from './cache-status.ts';
import { confirms, isNotModified, mergedFields, validatorsOf } from './conditions.ts';
import { countingCookies } from './request-cookies.ts';
import { listOf } from './fields.ts';
import { invalidatedUrls, isSafe, keyOf, urlOfKey } from './keys.ts';
import { parseRange, rangeApplies, MAX_RANGES } from './ranges.ts';
import { readFacts } from './request-facts.ts';
import { normalized, selectingFields, selects } from './vary.ts';
import { fieldsOf } from './testing.ts';

const NOW = Date.UTC(2026, 10, 21, 12, 0, 0);
const f = (...pairs: (readonly [string, string])[]) => fieldsOf(pairs);
const RULES = { fields: [], ignoredQuery: [] };

test('RFC 9111, section 2: scheme, host, path and query are the key; the host in its normal form', () => {
  const key = (scheme: string, authority: string, target = '/a?b') =>
    keyOf({ scheme, authority, target, fields: f() }, RULES);
  const keys = [
    key('http', 'a'),
    key('https', 'a'),
    key('http', 'b'),
    key('http', 'a:8080'),
    key('http', 'a', '/a?c'),
    key('http', 'a', '/A?b'),
  ];
  assert.is(new Set(keys).size, keys.length);
  assert.is(key('http', 'A:80'), key('http', 'a'));
  assert.is(key('https', 'A:443'), key('https', 'a'));
});

test('fields and ignored parameters of the key', () => {
  const rules = { fields: ['accept-language'], ignoredQuery: ['utm_*', 'fbclid'] };
  const key = (target: string, language: string) =>
    keyOf({ scheme: 'http', authority: 'a', target, fields: f(['Accept-Language', language]) }, rules);
  assert.is(key('/?utm_source=x&fbclid=1', 'de'), key('/', 'de'));
  assert.is(key('/?a=1&utm_x=y&b=2', 'de'), key('/?a=1&b=2', 'de'));
  assert.is.not(key('/', 'de'), key('/', 'en'));
  assert.is(urlOfKey(key('/?utm_source=x', 'de')), 'http://a/');
});

test('no two requests that differ in scheme, host or target share a key', () => {
  const part = fc.record({
    scheme: fc.constantFrom('http', 'https'),
    authority: fc.stringMatching(/^[a-z]{1,3}(:\d{2,4})?$/),
    target: fc.stringMatching(/^\/[a-z/?&=]{0,5}$/),
  });
  fc.assert(
    fc.property(part, part, (one, other) => {
      const same = keyOf({ ...one, fields: f() }, RULES) === keyOf({ ...other, fields: f() }, RULES);
      const plain = ({ scheme, authority, target }: typeof one) =>
        [scheme, authority.replace(scheme === 'http' ? /:80$/ : /:443$/, ''), target].join(' ');
      assert.is(same, plain(one) === plain(other));
    }),
  );
});

test('RFC 9111, section 4.1: a request selects what was stored with the same fields', () => {
  const stored = (vary: string, ...request: (readonly [string, string])[]) =>
    selectingFields(f(['Vary', vary]), f(...request))!;
  assert.ok(selects(stored('Foo', ['Foo', '1']), f(['foo', '1'])));
  assert.not.ok(selects(stored('Foo', ['Foo', '1']), f(['Foo', '2'])));
  assert.not.ok(selects(stored('Foo'), f(['Foo', '1'])));
  assert.not.ok(selects(stored('Foo', ['Foo', '1']), f()));
  assert.ok(selects(stored('Foo, Bar', ['Foo', '1']), f(['Foo', '1'])));
  // Lines of one list, blanks, and the order and case of what is weighed.
  assert.ok(selects(stored('Foo', ['Foo', '1, 2']), f(['Foo', '1'], ['Foo', '2'])));
  assert.ok(selects(stored('Foo', ['Foo', '1,2']), f(['Foo', ' 1 , 2 '])));
  assert.ok(
    selects(stored('Accept-Language', ['Accept-Language', 'en, de;q=0.5']), f(['Accept-Language', 'De ; q=0.5,EN'])),
  );
  assert.is(selectingFields(f(['Vary', 'a, *']), f()), undefined);
  assert.is.not(normalized('foo', 'A'), normalized('foo', 'a'));
  assert.is(normalized('cookie', 'a=1,b;c'), 'a=1,b;c');
});

test('Vary by a field of unknown syntax: only blanks round its commas do not matter', () => {
  const same = (name: string, one: string, other: string): boolean => normalized(name, one) === normalized(name, other);
  for (const name of ['rsc', 'origin', 'next-router-state-tree']) {
    assert.ok(same(name, '1, 2', ' 1 ,\t2 '), name);
    // An empty member, another case, another order or a quoted comma may be another page.
    for (const other of ['1,', ',1', '1,,', '1 1', '"1"']) assert.not.ok(same(name, '1', other), `${name}: ${other}`);
    assert.not.ok(same(name, 'a', 'A'));
    assert.not.ok(same(name, '1,2', '2,1'));
    assert.not.ok(same(name, '"1, 2"', '"1,2"'));
  }
});

test('RFC 9111, section 4.3.2; RFC 9110, section 13.1: what a client has already', () => {
  const stored = f(['ETag', '"a"'], ['Last-Modified', 'Sat, 21 Nov 2026 11:00:00 GMT']);
  const has = (...request: (readonly [string, string])[]) => isNotModified(f(...request), stored, NOW);
  assert.ok(has(['If-None-Match', '"b", W/"a"']));
  assert.ok(has(['If-None-Match', '*']));
  assert.not.ok(has(['If-None-Match', '"b"'], ['If-Modified-Since', 'Sat, 21 Nov 2026 12:00:00 GMT']));
  assert.ok(has(['If-Modified-Since', 'Saturday, 21-Nov-26 11:00:00 GMT']));
  assert.not.ok(has(['If-Modified-Since', 'Sat, 21 Nov 2026 10:59:59 GMT']));
  assert.not.ok(has(['If-Modified-Since', 'nonsense']));
  assert.ok(isNotModified(f(['If-None-Match', '"a,b"']), f(['ETag', '"a,b"']), NOW));
});

test('RFC 9111, sections 3.2, 4.3.1, 4.3.4: asking, and what a 304 changes', () => {
  assert.equal(validatorsOf(f(['ETag', '"a"'], ['Last-Modified', 'x'])), [
    ['If-None-Match', '"a"'],
    ['If-Modified-Since', 'x'],
  ]);
  assert.ok(confirms(f(['ETag', 'W/"a"']), f(['ETag', '"a"'])));
  assert.not.ok(confirms(f(['ETag', '"b"']), f(['ETag', '"a"'])));
  assert.ok(confirms(f(), f(['ETag', '"a"'])));
  const merged = mergedFields(
    [
      ['A', '1'],
      ['B', '1'],
      ['B', '2'],
      ['Content-Type', 'x'],
    ],
    [
      ['b', '3'],
      ['C', '4'],
      ['Content-Type', 'y'],
      ['Content-Length', '0'],
    ],
  );
  assert.equal(merged, [
    ['A', '1'],
    ['Content-Type', 'x'],
    ['b', '3'],
    ['C', '4'],
  ]);
});

test('RFC 9110, section 14: ranges of a body', () => {
  for (const [value, expected] of [
    ['bytes=0-1', [[0, 1]]],
    ['bytes=1-', [[1, 9]]],
    ['bytes=-3', [[7, 9]]],
    ['bytes=-30', [[0, 9]]],
    ['bytes=5-99', [[5, 9]]],
    [
      'bytes=0-0, 5-6 ,-1',
      [
        [0, 0],
        [5, 6],
        [9, 9],
      ],
    ],
    ['BYTES=0-1', [[0, 1]]],
    ['bytes=10-', []],
    ['bytes=-0', []],
    ['bytes=5-2', undefined],
    ['bytes=', undefined],
    ['bytes=a-b', undefined],
    ['lines=0-1', undefined],
    ['bytes=-', undefined],
    ['bytes=0-5,3-8', undefined],
  ] as const)
    assert.equal(
      parseRange(value, 10)?.map(({ first, last }) => [first, last]),
      expected,
      value,
    );
  assert.is(
    parseRange(
      `bytes=${Array.from({ length: MAX_RANGES + 1 }, (_, index) => `${2 * index}-${2 * index}`).join(',')}`,
      1000,
    ),
    undefined,
  );
});

test('ranges lie within the body, in whatever way they are asked for', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^bytes=[\d,\- ]{0,24}$/), fc.nat(50), (value, length) => {
      const ranges = parseRange(value, length) ?? [];
      assert.ok(ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0) <= length);
      for (const { first, last } of ranges) assert.ok(first >= 0 && first <= last && last < length);
    }),
  );
});

test('RFC 9110, section 13.1.5: If-Range only for the very same representation', () => {
  const stored = f(
    ['ETag', '"a"'],
    ['Last-Modified', 'Sat, 21 Nov 2026 11:00:00 GMT'],
    ['Date', 'Sat, 21 Nov 2026 12:00:00 GMT'],
  );
  const applies = (value: string) => rangeApplies(f(['If-Range', value]), stored);
  assert.equal(['"a"', 'W/"a"', '"b"', 'Sat, 21 Nov 2026 11:00:00 GMT', 'Sat, 21 Nov 2026 11:00:01 GMT'].map(applies), [
    true,
    false,
    false,
    true,
    false,
  ]);
  assert.ok(rangeApplies(f(), stored));
});

test('RFC 9111, section 4.4: what an unsafe request makes invalid', () => {
  assert.equal(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'M-SEARCH'].map(isSafe), [
    true,
    true,
    false,
    false,
    false,
    false,
    false,
  ]);
  const urls = (status: number, ...response: (readonly [string, string])[]) =>
    invalidatedUrls('http://a/x', status, f(...response));
  assert.equal(urls(500), []);
  assert.equal(urls(404), []);
  assert.equal(urls(303, ['Location', 'y?z#f'], ['Content-Location', 'http://b/y']), ['http://a/x', 'http://a/y?z']);
  assert.equal(urls(200, ['Location', 'http://[']), ['http://a/x']);
});

test('cookies that are ignored are taken off, and nothing else', () => {
  assert.is(countingCookies('_ga=1; a=2; _gid=3', ['_g*']), 'a=2');
  assert.is(countingCookies('_ga=1;_gid=3', ['_g*']), undefined);
  assert.is(countingCookies('a=2; b=3', []), 'a=2; b=3');
  assert.is(countingCookies('_gax=1', ['_ga']), '_gax=1');
});

test('inputs that change answers and are not in the key let a request pass', () => {
  const facts = (trusted: boolean, ...pairs: (readonly [string, string])[]) =>
    readFacts(pairs, 'a.test', trusted, false);
  for (const name of ['X-HTTP-Method-Override', 'x_http_method', 'X-Original-URL', 'X-Host', 'X.Rewrite.Url'])
    assert.ok(facts(false, [name, 'x']).bypass, name);
  assert.ok(facts(true, ['X-Forwarded-Host', 'evil.test']).bypass);
  assert.ok(facts(true, ['X-Forwarded-Prefix', '/x']).bypass);
  assert.ok(facts(true, ['Forwarded', 'for=1.2.3.4;host="evil.test"']).bypass);
  assert.is(
    facts(true, ['X-Forwarded-Host', 'A.test'], ['Forwarded', 'for=1.2.3.4;host=a.test;proto=https']).bypass,
    undefined,
  );
  // Of others it is dropped, so that it changes nothing.
  assert.equal(
    [
      facts(false, ['X-Forwarded-Host', 'evil.test'], ['X-Forwarded-Proto', 'https']).bypass,
      facts(false, ['X-Forwarded-Proto', 'https']).scheme,
    ],
    [undefined, 'http'],
  );
  assert.is(facts(true, ['X-Forwarded-Proto', 'HTTPS']).scheme, 'https');
  assert.equal(
    [facts(true, ['X-Forwarded-Port', '80']).port, facts(true, ['X-Forwarded-Port', '81']).port],
    [undefined, '81'],
  );
  assert.ok(facts(true, ['X-Forwarded-Client-Cert', 'x']).authorized);
  assert.ok(facts(false, ['X', 'x'.repeat(3000)]).unusual);
});

test('RFC 9110, section 5.6.1: members of a list, commas in quoted strings apart', () => {
  assert.equal(listOf(' a, "b,c" ,, d="\\",x"'), ['a', '"b,c"', 'd="\\",x"']);
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[a-z]{1,4}$/)), (members) =>
      assert.equal(listOf(members.join(' , ')), members),
    ),
  );
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', ',', '"', '\\', ' ') }), (text) =>
      assert.ok(listOf(text).every((member) => member.trim() !== '')),
    ),
  );
});

test('RFC 9211: the field is a list of one item, whatever is said', () => {
  fc.assert(
    fc.property(
      fc.record(
        {
          hit: fc.boolean(),
          fwd: fc.constantFrom('stale', 'uri-miss', 'method'),
          ttl: fc.double({ noNaN: true, min: -1e6, max: 1e9 }),
          fwdStatus: fc.integer({ min: 100, max: 599 }),
          stored: fc.boolean(),
          collapsed: fc.boolean(),
          detail: fc.constantFrom('no-store', 'set-cookie'),
        },
        { requiredKeys: [] },
      ),
      (status) => {
        const [[name, parameters]] = parseList(cacheStatus(status)) as [[unknown, Map<string, unknown>]];
        assert.is(String(name), 'sidecar-cache');
        assert.not.ok(parameters.has('hit') && parameters.has('fwd'));
        if (status.ttl !== undefined) assert.ok(Number.isInteger(parameters.get('ttl')));
      },
    ),
  );
});

test.run();
