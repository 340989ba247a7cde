/** The control plane's own certificate, by the clock on the wall. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { Authority, makeIntermediate, makeRoot } from './authority.ts';
import { OwnCertificate } from './own.ts';

const HOUR = 3_600_000;

for (const [name, jump] of [
  ['the machine has slept beyond its end', 3 * HOUR],
  ['the clock was set back', -3 * HOUR],
] as const)
  test(`it is renewed when ${name}`, async () => {
    let time = Date.now();
    const now = (): number => time;
    const root = await makeRoot('mesh.test', time - 24 * HOUR);
    const intermediate = await makeIntermediate(root, 'mesh.test', time - 24 * HOUR);
    const authority = await Authority.open({ roots: root.cert, intermediate, lifetime: HOUR, now });
    const failures: Error[] = [];
    const own = await OwnCertificate.open({
      authority: () => Promise.resolve(authority),
      spiffeId: 'spiffe://mesh.test/ns/shop/sa/control-plane',
      names: ['control-plane'],
      onFailure: (error) => failures.push(error),
      clock: { now, every: 1 },
    });
    const first = own.current.cert;
    time += jump;
    await eventually('there is another one', () => own.current.cert !== first);
    own.close();
    assert.equal(failures, []);
  });

test.run();
