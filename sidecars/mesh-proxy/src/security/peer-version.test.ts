/** Callers say which release they are of, and cannot fill the metrics with it. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PeerVersions, versionAlpn } from './peer-version.ts';

test('what one side offers the other reads', () => {
  const versions = new PeerVersions();
  assert.is(versions.of(['mesh-h2', ...versionAlpn('1.2.0-rc.1+b5')]), '1.2.0-rc.1+b5');
  assert.is(versions.of(['mesh-h2', ...versionAlpn(undefined)]), undefined);
  assert.is(versions.of([]), undefined);
});

test('what is no plain word is neither offered nor read', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 300, unit: 'binary' }), (text) => {
      const offered = versionAlpn(text);
      const plain = /^[\w.+-]{1,100}$/.test(text);
      assert.equal(offered.length, plain ? 1 : 0);
      assert.ok(offered.every((name) => Buffer.byteLength(name) <= 255));
      assert.is(new PeerVersions().of([`mesh-version=${text}`]), plain ? text : undefined);
    }),
  );
});

test('after a hundred, further ones are unknown, and the first are known as before', () => {
  const versions = new PeerVersions();
  for (let version = 0; version < 100; version++) assert.is(versions.of(versionAlpn(`v${version}`)), `v${version}`);
  assert.is(versions.of(versionAlpn('v100')), undefined);
  assert.is(versions.of(versionAlpn('v7')), 'v7');
});

test.run();
