/** An identity that is renewed in time, by the clock on the wall. */
import { X509Certificate } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { certify } from '#kit/testing/certify.ts';
import { idOf, testCa } from '../testing/identities.ts';
import type { Certificate } from '#mesh/identity/enrolment.ts';
import { EnrolledIdentity } from '#mesh/identity/enrolled.ts';

const HOUR = 3_600_000;

/** A control plane that certifies for an hour, and a machine that may sleep. @param firstFrom days from now, when the first certificate begins */
async function start(every: number, firstFrom = -1) {
  let time = Date.now();
  let asked = 0;
  const issuer = await testCa();
  const spiffeId = idOf('front');
  const identity = new EnrolledIdentity({
    service: 'front',
    log: { info() {}, warn() {} },
    makeRequest: async () => {
      const leaf = await certify({
        altNames: [{ type: 'url', value: spiffeId }],
        issuer,
        from: asked === 0 ? firstFrom : -1,
        to: 5,
      });
      return { key: leaf.key, request: leaf.cert };
    },
    enrolment: {
      certificate: async (_service, chain): Promise<Certificate> => {
        asked++;
        return { spiffeId, chain, trustBundle: issuer.cert, notAfter: time + HOUR };
      },
    },
    clock: { now: () => time, every },
  });
  await eventually('the first certificate is there', () => identity.current !== undefined);
  return {
    identity,
    asked: () => asked,
    sleep: (duration: number) => (time += duration),
    [Symbol.dispose]: () => identity.close(),
  };
}

test('a machine that has slept beyond the certificate has it renewed', async () => {
  using machine = await start(1);
  machine.sleep(2 * HOUR);
  await eventually('another one is asked for', () => machine.asked() === 2);
  await eventually('it is in use', () => machine.identity.current!.notAfter > Date.now() + 2 * HOUR);
});

test('a clock that was set back renews the certificate, as the former one is of the future', async () => {
  using machine = await start(1);
  machine.sleep(-2 * HOUR);
  await eventually('another one is asked for', () => machine.asked() === 2);
});

test('a certificate of the future, of a control plane whose clock is ahead, is soon replaced', async () => {
  using machine = await start(1, 3);
  await eventually('another one is asked for', () => machine.asked() === 2);
  await eventually(
    'it is in use',
    () => new X509Certificate(machine.identity.current!.chain).validFromDate < new Date(),
  );
});

test('a connection that is to be made is a sign to look at the clock', async () => {
  using machine = await start(HOUR);
  machine.identity.look();
  assert.is(machine.asked(), 1);
  machine.sleep(2 * HOUR);
  machine.identity.look();
  machine.identity.look();
  await eventually('another one is asked for', () => machine.asked() === 2);
});

test.run();
