import { exportJWK, generateKeyPair, SignJWT, type JWK } from 'jose';
import { jwtVerify } from 'jose';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Keys } from './keys.ts';

test('after the machine slept, a key that was withdrawn meanwhile is good for no more tokens', async () => {
  const pair = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(pair.publicKey)), kid: 'a', alg: 'ES256' };
  const token = await new SignJWT({}).setProtectedHeader({ alg: 'ES256', kid: 'a' }).sign(pair.privateKey);
  let published: JWK[] = [jwk];
  let fetched = 0;
  let monotonic = 5000;
  let wall = 1e12;
  const keys = new Keys({
    fetch: () => {
      fetched += 1;
      return Promise.resolve({ keys: published });
    },
    onFetch: () => {},
    clocks: [() => monotonic, () => wall],
  });
  const isGood = async (): Promise<boolean> =>
    await jwtVerify(token, keys.get).then(
      () => true,
      () => false,
    );
  assert.is(await isGood(), true);
  // The wall clock is set back: no key is fetched without end, none is kept without end.
  wall -= 3_600_000;
  monotonic += 1000;
  assert.is(await isGood(), true);
  assert.is(fetched, 1);
  published = [];
  // Two hours of sleep: the monotonic clock stands still.
  wall += 2 * 7_200_000;
  assert.is(await isGood(), false);
  assert.is(fetched > 1, true);
});

test.run();
