/** What may be stored: RFC 9111, section 3. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assess, type Assessment } from './assess.ts';
import { fieldsOf } from './testing.ts';

const NOW = Date.UTC(2026, 10, 21, 12, 0, 0);
const SETTINGS = {
  defaultTtl: 0,
  negativeTtl: 0,
  heuristic: 0.1,
  staleWhileRevalidate: 0,
  staleIfError: 3600,
  tagField: 'Surrogate-Key',
};
const REQUEST = {
  method: 'GET',
  target: '/',
  authorized: false,
  cookies: false,
  noStore: false,
  unusual: false,
  fields: fieldsOf([]),
  origin: 'http://a',
};

function assessed(
  response: readonly (readonly [string, string])[],
  { status = 200, ...request }: Partial<typeof REQUEST> & { status?: number } = {},
): Assessment {
  return assess(
    { ...REQUEST, ...request },
    { status, fields: fieldsOf(response) },
    { requestTime: NOW, responseTime: NOW },
    SETTINGS,
  );
}
const not = (
  control: string,
  also: Parameters<typeof assessed>[1] = {},
  more: readonly (readonly [string, string])[] = [],
) => assessed([['Cache-Control', control], ...more], also).not;

test('section 3: only what may be, and only with something that says for how long', () => {
  assert.is(not('max-age=60'), undefined);
  assert.is(not('max-age=60', { method: 'POST' }), 'method');
  assert.is(assessed([]).not, 'no-freshness');
  assert.is(assessed([['ETag', '"a"']]).not, undefined);
  assert.is(assessed([['ETag', '"a"']], { status: 503 }).not, 'no-freshness');
  assert.is(not('max-age=60', { status: 206 }), 'status');
  for (const status of [200, 203, 204, 299, 301, 302, 307, 400, 404, 410, 499, 500, 503, 599])
    assert.is(not('max-age=60', { status }), undefined, String(status));
});

test('sections 5.2.1.5, 5.2.2.5, 5.2.2.7: no-store and private', () => {
  assert.is(not('max-age=60', { noStore: true }), 'request-no-store');
  assert.is(not('max-age=60, No-Store'), 'no-store');
  assert.is(not('max-age=60, private'), 'private');
});

test('section 5.2.2.3: must-understand makes no-store count only for statuses that are not known', () => {
  assert.is(not('max-age=60, no-store, must-understand'), undefined);
  assert.is(not('max-age=60, no-store, must-understand', { status: 599 }), 'status');
});

test('section 3.5: an answer to Authorization only where it says that it is for all', () => {
  assert.is(not('max-age=60', { authorized: true }), 'authorization');
  for (const allowed of ['max-age=60, public', 's-maxage=60'])
    assert.is(not(allowed, { authorized: true }), undefined, allowed);
  // The RFC allows it; it does not say that others may see it.
  assert.is(not('max-age=60, must-revalidate', { authorized: true }), 'authorization');
});

test('cookies: no response with Set-Cookie is shared; answers to a Cookie only if public', () => {
  assert.is(not('public, max-age=60', {}, [['Set-Cookie', 'a=b']]), 'set-cookie');
  assert.is(not('max-age=60', { cookies: true }), 'cookie');
  assert.is(not('max-age=60, must-revalidate', { cookies: true }), 'cookie');
  assert.is(not('public, max-age=60', { cookies: true }), undefined);
  // Section 5.2.2.4: the field that must not be reused is left out instead.
  const without = assessed([
    ['Cache-Control', 'max-age=60, no-cache="set-cookie"'],
    ['Set-Cookie', 'a=b'],
    ['B', '1'],
  ]);
  assert.is(without.not, undefined);
  assert.not.match(without.lines, /set-cookie: /i);
});

test('section 4.1: what varies by everything matches nothing', () => {
  for (const vary of ['*', '*, *', ', *', 'Foo, *', '*, Foo'])
    assert.is(not('max-age=60', {}, [['Vary', vary]]), 'vary', vary);
});

test('cache deception: what looks like a file, and is a page, is not stored', () => {
  const html = [['Content-Type', 'text/html; charset=utf-8']] as const;
  for (const target of [
    '/account/x.css',
    '/account/x.CSS?a=b',
    '/account%2Fx.css',
    '/account;x.js',
    '/account/x.%63ss',
    '/a.png',
    '/a.json',
  ])
    assert.is(not('public, max-age=60', { target }, html), 'content-type', target);
  assert.is(not('max-age=60', { target: '/x.css' }, [['Content-Type', 'text/css']]), undefined);
  assert.is(not('max-age=60', { target: '/x.png' }, [['Content-Type', 'image/webp']]), undefined);
  for (const target of ['/', '/page.html', '/a.php', '/v1.2', '/x.css/y', '/%zz'])
    assert.is(not('max-age=60', { target }, html), undefined, target);
});

test('an error is not stored that an unusual request may have caused', () => {
  assert.is(not('max-age=60', { unusual: true, status: 400 }), 'unusual-request');
  assert.is(not('max-age=60', { unusual: true }), undefined);
  assert.is(not('max-age=60', { status: 400 }), undefined);
});

test('section 3.1: fields of one hop are not stored; Date is there, and valid', () => {
  const { lines } = assessed([
    ['Cache-Control', 'max-age=60'],
    ['Proxy-Authenticate', 'a'],
    ['Age', '5'],
    ['Content-Length', '3'],
    ['X-A', '1'],
    ['Date', 'foo'],
  ]);
  assert.is(lines, 'Cache-Control: max-age=60\r\nX-A: 1\r\nDate: Sat, 21 Nov 2026 12:00:00 GMT\r\n');
});

test('RFC 9875, section 2, and tags: groups are of one origin', () => {
  const { tags } = assessed([
    ['Cache-Control', 'max-age=60'],
    ['Surrogate-Key', 'a b'],
    ['Cache-Groups', '"g 1", "g2"'],
  ]);
  assert.equal(tags, ['a', 'b', 'http://a g 1', 'http://a g2']);
  assert.equal(
    assessed([
      ['Cache-Control', 'max-age=60'],
      ['Cache-Groups', 'token, "g"'],
    ]).tags,
    [],
  );
});

test('never stored: private, no-store, Set-Cookie, Vary: *, whatever else is said', () => {
  const forbidden = fc.constantFrom<readonly [string, string]>(
    ['Cache-Control', 'no-store'],
    ['Cache-Control', 'PRIVATE'],
    ['Set-Cookie', 'a=b'],
    ['Vary', 'A, *'],
  );
  const other = fc.constantFrom<readonly [string, string]>(
    ['Cache-Control', 'public'],
    ['Cache-Control', 'max-age=60'],
    ['Cache-Control', 's-maxage=9'],
    ['ETag', '"a"'],
    ['Expires', 'Sun, 21 Nov 2286 04:46:39 GMT'],
    ['Vary', 'B'],
  );
  fc.assert(
    fc.property(
      forbidden,
      fc.array(other),
      fc.nat(6),
      fc.integer({ min: 200, max: 599 }),
      (never, others, index, status) => {
        const list = others.toSpliced(index % (others.length + 1), 0, never);
        assert.ok(assessed(list, { status }).not !== undefined, JSON.stringify(list));
      },
    ),
  );
});

test.run();
