/** No redirect leaves the site. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { localTarget } from './http/target.ts';
import { HOSTILE } from './testing/hostile-targets.ts';

/** Where a browser would go that got it as Location. */
const landsOn = (location: string): string => new URL(location, 'https://site.example/oauth2/callback').origin;

test(`${HOSTILE.length} hostile targets stay on the site`, () => {
  assert.ok(HOSTILE.length > 900);
  for (const target of HOSTILE) {
    const local = localTarget(target, '/oauth2');
    assert.is(landsOn(local), 'https://site.example', JSON.stringify(target));
    assert.match(local, /^\/(?![/\\])[\x21-\x7e]*$/, JSON.stringify(target));
  }
});

test('whatever the target: it stays, and naming it twice changes nothing', () => {
  const piece = fc.oneof(
    fc.string(),
    fc.constantFrom('/', '\\', '.', '..', ':', '@', '\t', '%2f', '%5c', '//', 'evil.example', 'https:'),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const local = localTarget(`/${pieces.join('')}`, '/oauth2');
      assert.is(landsOn(local), 'https://site.example');
      assert.is(localTarget(local, '/oauth2'), local);
    }),
    { numRuns: 3000 },
  );
});

test('what belongs to the site is kept, query and fragment included', () => {
  for (const target of [
    '/',
    '/a/b?c=d&e=%20#f',
    '/a//b',
    '/%2f%2fevil.example',
    '/search?q=https://x.example//',
    '/a;b=c',
    '/~ann/',
  ])
    assert.is(localTarget(target, '/oauth2'), target);
  assert.is(localTarget('/a/../b', '/oauth2'), '/b');
});

test('the routes of the sidecar are no target, and neither is what is too long', () => {
  for (const target of [
    '/oauth2',
    '/oauth2/sign_out',
    '/x/../oauth2/start',
    `/${'a'.repeat(3000)}`,
    null,
    undefined,
    '',
  ])
    assert.is(localTarget(target, '/oauth2'), '/');
  assert.is(localTarget('/oauth2s', '/oauth2'), '/oauth2s');
});

test.run();
