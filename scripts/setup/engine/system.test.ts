import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseOsRelease } from './system.ts';

test('os-release files as distributions write them', () => {
  const debian = parseOsRelease('PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_CODENAME=bookworm\nID=debian\n');
  assert.equal(debian, { PRETTY_NAME: 'Debian GNU/Linux 12 (bookworm)', VERSION_CODENAME: 'bookworm', ID: 'debian' });
  const mint = parseOsRelease("# comment\nID=linuxmint\nID_LIKE='ubuntu debian'\nnot a line\nEMPTY=\n");
  assert.equal(mint, { ID: 'linuxmint', ID_LIKE: 'ubuntu debian', EMPTY: '' });
  assert.is(parseOsRelease('NAME="a \\"b\\" \\$c"').NAME, 'a "b" $c');
});

test('any value survives quoting', () => {
  const value = fc.stringMatching(/^[^\n\r]*$/).filter((text) => text === text.trim());
  fc.assert(
    fc.property(value, (text) => {
      const quoted = text.replace(/["'$`\\]/g, '\\$&');
      assert.is(parseOsRelease(`NAME="${quoted}"`).NAME, text);
    }),
  );
});

test('any text is read without an error', () => {
  fc.assert(fc.property(fc.string(), (text) => assert.type(parseOsRelease(text), 'object')));
});

test.run();
