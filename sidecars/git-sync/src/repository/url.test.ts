/** Addresses: what git gets to see of them cannot be an option, another program or a password. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseRepository, resolveSubmodule } from './url.ts';

test('what people write is accepted', () => {
  const cases: [string, string, string][] = [
    ['https://git.example/team/shop.git', 'http', 'shop.git'],
    ['http://git.example:8080/shop', 'http', 'shop'],
    ['ssh://git@git.example:2222/team/shop.git', 'ssh', 'shop.git'],
    ['git@git.example:team/shop.git/', 'ssh', 'shop.git'],
    ['git.example:shop', 'ssh', 'shop'],
    ['file:///srv/git/shop', 'file', 'shop'],
    ['/srv/git/shop/', 'file', 'shop'],
  ];
  for (const [text, transport, leaf] of cases) {
    const found = parseRepository(text);
    assert.equal([found.url, found.transport, found.leaf], [text, transport, leaf]);
  }
  assert.is(parseRepository('https://git.example:8443/a/b').origin, 'https://git.example:8443');
});

test('what could be an option, a program or a password is refused, and not repeated', () => {
  const cases = [
    '--upload-pack=touch',
    '-oProxyCommand=touch',
    'ext::sh -c touch',
    'ext::touch',
    'fd::17',
    'git://git.example/shop',
    'ftp://git.example/shop',
    'ssh://-oProxyCommand=touch/shop',
    'ssh://-u@git.example/shop',
    '-u@git.example:shop',
    'git.example:-shop',
    'https://user:secret@git.example/shop',
    'https://token-secret@git.example/shop',
    'ssh://git:secret@git.example/shop',
    'file://server/share',
    'https:///shop',
    'https://git.example/',
    'relative/path',
    'https://git.example/a b',
    'https://git.example/a\nb',
    '',
    '/',
    '/..',
  ];
  for (const text of cases) {
    try {
      parseRepository(text);
      assert.unreachable(`${JSON.stringify(text)} was accepted`);
    } catch (error) {
      assert.instance(error, Error);
      assert.not.match((error as Error).message, /secret|was accepted/);
    }
  }
});

test('whatever is accepted begins as no option does, and has one of the allowed schemes', () => {
  const part = fc.stringMatching(/^[-a-z0-9@:/.+%]{0,12}$/);
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.webUrl(),
        fc.tuple(part, fc.constantFrom('://', ':', '@', '/'), part).map((all) => all.join('')),
      ),
      (text) => {
        let found;
        try {
          found = parseRepository(text);
        } catch {
          return;
        }
        assert.not.match(found.url, /^-|[\s\p{Cc}]|^[\w+.-]*::/u);
        assert.match(found.url, /^(https?|ssh|file):\/\/|^\/|^[\w.@~-]+:[^:]/i);
        assert.not.match(found.leaf, /^$|\//);
      },
    ),
    { numRuns: 2000 },
  );
});

test("a submodule's address may be relative to its superproject's, on the same server", () => {
  const of = (base: string, text: string): string => resolveSubmodule(text, parseRepository(base)).url;
  assert.is(of('https://git.example/team/shop.git', '../lib.git'), 'https://git.example/team/lib.git');
  assert.is(of('https://git.example/team/shop.git', './lib'), 'https://git.example/team/shop.git/lib');
  assert.is(of('https://git.example/team/shop', '../../other/lib'), 'https://git.example/other/lib');
  assert.is(of('git@git.example:team/shop.git', '../lib.git'), 'git@git.example:team/lib.git');
  assert.is(of('git@git.example:shop.git', '../lib.git'), 'git@git.example:lib.git');
  assert.is(of('ssh://git@git.example/shop', '../lib'), 'ssh://git@git.example/lib');
  assert.is(of('/srv/git/shop', '../lib'), '/srv/git/lib');
  assert.is(of('file:///srv/git/shop', '../lib'), 'file:///srv/git/lib');
  assert.is(of('https://git.example/shop', 'https://other.example/lib'), 'https://other.example/lib');
  assert.throws(() => of('https://git.example/shop', '../../lib'), /leads out/);
  assert.throws(() => of('https://git.example/shop', '../../../etc'), /leads out/);
  assert.throws(() => of('https://git.example/shop', '/etc'), /on this machine/);
  assert.throws(() => of('https://git.example/shop', 'file:///etc'), /on this machine/);
  assert.throws(() => of('git@git.example:shop', '../../../../etc'), /leads out|machine|repository/);
});

test.run();
