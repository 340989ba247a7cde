/** What comes in with a request: cookies, who called, where from; how much of it is allowed. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Request } from '#proxy/http/request.ts';
import { Seal } from '../lib/seal.ts';
import { clientKey, TrustedProxies } from './client.ts';
import { MAX_COOKIE_VALUE, readCookie, removeCookie, splitCookies, writeCookie } from './cookies.ts';
import { isCrossOrigin, isNavigation } from './navigation.ts';

const requestWith = (fields: Readonly<Record<string, string>>, upgrade = ''): Request =>
  new Request({
    method: 'GET',
    target: '/',
    authority: 'site.example',
    upgrade,
    lines: Object.entries(fields)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join(''),
  });

/** A browser's jar after some Set-Cookie values. */
function jarOf(values: readonly string[], jar = new Map<string, string>()): Map<string, string> {
  for (const value of values) {
    const [, name = '', content = ''] = /^([^=]+)=([^;]*)/.exec(value)!;
    if (value.includes('Max-Age=0')) jar.delete(name);
    else jar.set(name, content);
  }
  return jar;
}
const fieldOf = (jar: ReadonlyMap<string, string>): string => [...jar].map((pair) => pair.join('=')).join('; ');

test('a value of any length comes back as it was written, whatever was there before', () => {
  const value = fc.integer({ min: 1, max: MAX_COOKIE_VALUE }).map((length) => 'aB1._-'.repeat(length).slice(0, length));
  fc.assert(
    fc.property(value, value, (former, next) => {
      const jar = jarOf(writeCookie('s', former, { secure: true }));
      const before = splitCookies(`a=1; ${fieldOf(jar)}; b=2`, 's');
      assert.is(readCookie(before.own, 's'), former);
      assert.is(before.rest, 'a=1; b=2');
      jarOf(writeCookie('s', next, { secure: true }, before.own), jar);
      assert.is(readCookie(splitCookies(fieldOf(jar), 's').own, 's'), next);
      jarOf(removeCookie('s', true, splitCookies(fieldOf(jar), 's').own), jar);
      assert.is(jar.size, 0);
    }),
    { numRuns: 200 },
  );
});

test('no Cookie field makes it throw, and what is not ours goes on', () => {
  const piece = fc.constantFrom('s', 's-1', 's-login-x', 'sx', '=', ';', ' ', ',', '2', '9', '"', 'a=b', '\t');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const { own, rest } = splitCookies(pieces.join(''), 's');
      assert.type(readCookie(own, 's'), 'string');
      for (const name of own.keys()) assert.match(name, /^s(?:-|$)/);
      assert.equal(splitCookies(rest, 's').own.size, 0, rest);
    }),
    { numRuns: 1000 },
  );
});

test('every part of a cookie fits into what browsers keep', () => {
  const values = writeCookie('__Host-session', 'x'.repeat(MAX_COOKIE_VALUE), { secure: true });
  assert.ok(values.every((value) => value.length <= 4096));
  for (const value of values) assert.match(value, /; Path=\/; HttpOnly; SameSite=Lax; Secure$/);
});

const clientOf = (peer: string, fields: Record<string, string>, trusted: string[]) =>
  new TrustedProxies(trusted).clientOf({
    downstream: { remoteAddress: peer, secure: false } as never,
    request: requestWith(fields),
  });

test('only a trusted proxy says who called', () => {
  const fields = {
    'X-Forwarded-For': '6.6.6.6, 10.0.0.9, 10.0.0.7',
    'X-Forwarded-Proto': 'https',
    'X-Forwarded-Host': 'shop.example',
  };
  assert.equal(clientOf('192.0.2.1', fields, ['10.0.0.0/8']), {
    address: '192.0.2.1',
    secure: false,
    host: 'site.example',
    trusted: false,
  });
  assert.equal(clientOf('10.1.2.3', fields, ['10.0.0.0/29', '10.1.0.0/16']), {
    address: '10.0.0.9',
    secure: true,
    host: 'shop.example',
    trusted: true,
  });
  assert.is(clientOf('10.1.2.3', fields, ['10.0.0.0/8']).address, '6.6.6.6');
  const by = (field: string): string =>
    clientOf('127.0.0.1', { 'X-Forwarded-For': field }, ['127.0.0.1', '10.0.0.0/8']).address;
  for (const [field, address] of [
    ['6.6.6.6, 192.0.2.7:51234', '192.0.2.7'],
    ['6.6.6.6, [2001:db8::1]:51234', '2001:db8::1'],
    ['6.6.6.6, [2001:db8::1], 10.0.0.7:80', '2001:db8::1'],
    ['6.6.6.6, unknown', '127.0.0.1'],
    ['6.6.6.6, _hidden, 10.0.0.7', '10.0.0.7'],
    ['6.6.6.6, 10.0.0.7:port', '127.0.0.1'],
    ['6.6.6.6,', '127.0.0.1'],
    ['', '127.0.0.1'],
    ['10.0.0.9, 10.0.0.7', '10.0.0.9'],
  ] as const)
    assert.is(by(field), address, field);
  assert.is(clientOf('::1', { 'X-Forwarded-For': 'junk', 'X-Forwarded-Host': 'a b' }, ['::1']).address, '::1');
  assert.is(clientOf('::1', { 'X-Forwarded-Host': 'evil.example/x' }, ['::1']).host, 'site.example');
  assert.throws(() => new TrustedProxies(['10.0.0.0/33']), RangeError);
});

test('a subscriber of IPv6 is one client', () => {
  assert.is(clientKey('2001:db8:1:2:3:4:5:6'), clientKey('2001:db8:1:2::9'));
  assert.is.not(clientKey('2001:db8:1:2::9'), clientKey('2001:db8:1:3::9'));
  assert.is(clientKey('::1'), '0:0:0:0');
  assert.is(clientKey('192.0.2.1'), '192.0.2.1');
});

test('a navigation is told from a script, and an upgrade of another site from one of this', () => {
  assert.ok(isNavigation(requestWith({ Accept: 'text/html,*/*' })));
  assert.ok(isNavigation(requestWith({ 'Sec-Fetch-Mode': 'navigate' })));
  for (const fields of [
    {},
    { Accept: '*/*' },
    { Accept: 'text/html', 'X-Requested-With': 'x' },
    { Accept: 'text/html', 'Sec-Fetch-Mode': 'cors' },
  ] as Record<string, string>[])
    assert.not.ok(isNavigation(requestWith(fields)), JSON.stringify(fields));
  assert.not.ok(isNavigation(requestWith({ Accept: 'text/html' }, 'websocket')));
  const cross = (origin: string, host: string): boolean => isCrossOrigin(requestWith({ Origin: origin }), host);
  for (const [origin, host] of [
    ['https://a.example', 'a.example'],
    ['https://a.example', 'A.example:443'],
    ['http://a.example:81', 'a.example:81'],
  ] as const)
    assert.not.ok(cross(origin, host), `${origin} ${host}`);
  for (const [origin, host] of [
    ['https://b.example', 'a.example'],
    ['null', 'a.example'],
    ['https://a.example:444', 'a.example'],
    ['https://a.example.evil', 'a.example'],
    ['', 'a.example'],
  ] as const)
    assert.ok(cross(origin, host), `${origin} ${host}`);
});

test('sealed data opens for its purpose alone, untampered, and by a secret that still exists', async () => {
  const old = 'o'.repeat(40);
  const seal = new Seal([old]);
  const text = await seal.seal('session', { id: 'x' });
  assert.equal(await seal.open('session', text), { id: 'x' });
  assert.is(await seal.open('login', text), undefined);
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: text.length - 1 }),
      fc.constantFrom('A', 'b', '.', ''),
      async (at, by) => {
        const changed = text.slice(0, at) + by + text.slice(at + 1);
        // The last letter of base64url has bits that mean nothing.
        if (changed !== text && at !== text.length - 1) assert.is(await seal.open('session', changed), undefined);
      },
    ),
    { numRuns: 300 },
  );
  seal.rotate(['n'.repeat(40), old]);
  assert.equal(await seal.open('session', text), { id: 'x' });
  seal.rotate(['n'.repeat(40)]);
  assert.is(await seal.open('session', text), undefined);
});

test.run();
