import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { serve } from '#kit/testing/server.ts';
import { plainAddress } from '#proxy/sockets/connection.ts';
import { echo } from '#proxy/testing/apps.ts';
import { startProxy } from '#proxy/testing/proxy.ts';
import { exchange } from '#proxy/testing/raw-client.ts';
import { forwarded, ForwardedFields } from './forwarded.ts';

const fieldsOf = (remoteAddress: string, clientCertificate: string): ForwardedFields =>
  new ForwardedFields({ remoteAddress, secure: true, clientCertificate }, 443);

const lines = (address: string, host: string, certificate = ''): string[] =>
  fieldsOf(address, certificate).lines(host).split('\r\n').slice(0, -1);

test('an IPv6 address is bare in one field and quoted in the other', () => {
  assert.equal(lines('2001:db8::1', 'a.test'), [
    'X-Forwarded-For: 2001:db8::1',
    'X-Forwarded-Proto: https',
    'X-Forwarded-Host: a.test',
    'X-Forwarded-Port: 443',
    'Forwarded: for="[2001:db8::1]";host=a.test;proto=https',
  ]);
});

test('a host with a port is quoted, and its port told', () => {
  assert.equal(lines('192.0.2.1', '[::1]:8443').slice(2), [
    'X-Forwarded-Host: [::1]:8443',
    'X-Forwarded-Port: 8443',
    'Forwarded: for=192.0.2.1;host="[::1]:8443";proto=https',
  ]);
});

test('what is not known is not told', () => {
  assert.equal(lines('192.0.2.1', '').slice(2), ['X-Forwarded-Port: 443', 'Forwarded: for=192.0.2.1;proto=https']);
  assert.is(lines('192.0.2.1', 'a', 'Hash=1').at(-1), 'X-Forwarded-Client-Cert: Hash=1');
});

test('each request is told its own host', () => {
  const forwarding = fieldsOf('192.0.2.1', '');
  assert.match(forwarding.lines('a'), 'host=a;');
  assert.match(forwarding.lines('b:1'), 'host="b:1";');
  assert.match(forwarding.lines('a'), 'host=a;');
});

test('an address is told as people write it', () => {
  assert.equal(
    ['::ffff:192.0.2.1', 'fe80::1%eth0', '2001:db8::1', undefined].map((address) => plainAddress(address)),
    ['192.0.2.1', 'fe80::1', '2001:db8::1', 'unknown'],
  );
});

test('what a client says of itself is passed on of those that are trusted, and of nobody else', async () => {
  await using app = await serve(echo);
  for (const trusted of [true, false]) {
    await using proxy = await startProxy(app.port, {
      settings: { trustsForwarded: true },
      filters: [forwarded(80, () => trusted)],
    });
    const said = 'X-Forwarded-For: 192.0.2.9\r\nx_real_ip: 192.0.2.9\r\nX-Forwarded-Proto: https\r\n';
    const text = await exchange(proxy.port, `GET / HTTP/1.1\r\nHost: a\r\n${said}Connection: close\r\n\r\n`);
    assert.is(text.includes('192.0.2.9'), trusted, text);
    assert.match(text, trusted ? '"x-forwarded-proto":"https"' : '"x-forwarded-for":"127.0.0.1"');
    // Who says nothing is spoken for.
    assert.match(
      await exchange(proxy.port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'),
      '"x-forwarded-for":"127.0.0.1"',
    );
  }
});

test.run();
