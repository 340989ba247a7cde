import type { IncomingMessage } from 'node:http';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Admission } from './admission.ts';

const admission = new Admission();
admission.listens(4711);
const cookie = admission.cookie.split(';')[0]!;
const HOST = '127.0.0.1:4711';
const ORIGIN = 'http://127.0.0.1:4711';

const refusal = (method: string, headers: Record<string, string | undefined>, open = false) =>
  admission.refuse({ method, headers } as unknown as IncomingMessage, open)?.status;
const POST = { host: HOST, origin: ORIGIN, cookie, 'content-type': 'application/json' };

test('the page itself may look and wish', () => {
  assert.is(refusal('GET', { host: HOST, cookie }), undefined);
  assert.is(refusal('POST', POST), undefined);
});

for (const host of ['localhost:4711', '127.0.0.1', '127.0.0.1:80', 'evil.example:4711', '[::1]:4711', '', undefined])
  test(`host ${host} is refused: another name for this machine is another site`, () => {
    assert.is(refusal('GET', { host, cookie }), 403);
    assert.is(refusal('POST', { ...POST, host }), 403);
  });

for (const origin of [
  'http://evil.example',
  'http://localhost:4711',
  'https://127.0.0.1:4711',
  'http://127.0.0.1:4712',
  'null',
])
  test(`origin ${origin} is refused`, () => {
    assert.is(refusal('POST', { ...POST, origin }), 403);
    assert.is(refusal('GET', { host: HOST, cookie, origin }), 403);
  });

test('a POST without an origin is refused', () => assert.is(refusal('POST', { ...POST, origin: undefined }), 403));

for (const type of [undefined, 'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data'])
  test(`a POST of ${type}, as a form of another page sends it, is refused`, () =>
    assert.is(refusal('POST', { ...POST, 'content-type': type }), 415));

for (const given of [
  undefined,
  '',
  'workshop-4711=',
  `workshop-4712=${admission.token}`,
  `workshop-4711=${admission.token}x`,
])
  test(`cookie ${String(given).slice(0, 16)} is refused`, () => {
    assert.is(refusal('GET', { host: HOST, cookie: given }), 401);
    assert.is(refusal('POST', { ...POST, cookie: given }), 401);
  });

for (const method of ['PUT', 'DELETE', 'OPTIONS', 'HEAD'])
  test(`${method} is refused`, () => assert.is(refusal(method, { host: HOST, cookie }), 405));

test('only the exchange of the token needs no cookie, and host and origin hold there too', () => {
  assert.is(refusal('GET', { host: HOST }, true), undefined);
  assert.is(refusal('GET', { host: 'evil.example' }, true), 403);
});

test('the token of one server is not that of another', () => {
  assert.is.not(new Admission().token, admission.token);
  assert.ok(admission.token.length >= 32);
  assert.not.ok(admission.isToken(undefined));
  assert.match(admission.cookie, /HttpOnly; SameSite=Strict/);
});

test.run();
