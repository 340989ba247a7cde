import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isOwnHost } from './host.ts';

test('addresses, localhost and configured names, with a port or without', () => {
  for (const host of [
    '127.0.0.1',
    '10.0.0.7:8080',
    '[::1]:8080',
    '[fe80::1]',
    'localhost:8080',
    'LOCALHOST',
    'a.localhost',
  ])
    assert.ok(isOwnHost(host), host);
  for (const host of ['topz', 'topz:8080', 'TOPZ.', 'pod.example:80'])
    assert.ok(isOwnHost(host, ['topz', 'Pod.Example']), host);
  assert.ok(isOwnHost(''), 'HTTP/1.0 has none, and no browser speaks it');
});

test('names of others', () => {
  for (const host of [
    'evil.example',
    'evil.example:8080',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'notlocalhost',
    'localhost:8080:80',
    '[evil]',
    '[127.0.0.1]',
    '127.0.0.1@evil',
    '1.2.3',
    ' localhost',
    'localhost/',
    ':80',
    '[::1',
    'topz.evil.example',
  ])
    assert.not(isOwnHost(host, ['topz']), host);
});

test('any domain, and any text that is none', () => {
  fc.assert(fc.property(fc.domain(), (domain) => assert.not(isOwnHost(domain))));
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), (text) => {
      if (isOwnHost(text)) assert.match(text, /^(?:\[[\da-f:.]+\]|[\d.]+|(?:.*\.)?localhost\.?)(?::\d*)?$/i);
    }),
  );
});

test.run();
