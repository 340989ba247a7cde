/** A replica that is not ready any more is told at once, and not only when it is time to look. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import type { Phase } from './enrolment.ts';
import { Registration } from './registration.ts';

const NEVER = 3_600_000;
const ignore = (): void => {};

/** A control plane that writes down what it is told. */
function told(): {
  readonly phases: Phase[];
  readonly enrolment: ConstructorParameters<typeof Registration>[0]['enrolment'];
} {
  const phases: Phase[] = [];
  return {
    phases,
    enrolment: {
      join: ({ phase }) => {
        phases.push(phase);
        return Promise.resolve({ id: 'r1', secret: 's', lease: NEVER });
      },
      renew: (_lease, phase) => {
        phases.push(phase);
        return Promise.resolve();
      },
      leave: () => Promise.resolve(),
    },
  };
}

const claim = { service: 'shop', name: 'shop-1', labels: {}, ports: [] };
const log = { info: ignore, warn: ignore };

test('who says that the application is down makes it look, and the control plane hears of it', async () => {
  const { phases, enrolment } = told();
  let up = true;
  let looks = 0;
  const ready = (): boolean => {
    looks++;
    return up;
  };
  const registration = new Registration({ enrolment, claim, ready, log, look: NEVER });
  await eventually('it is registered', () => phases.length === 1);
  assert.equal(phases, ['ready']);
  up = false;
  await eventually('the control plane was told', () => {
    registration.look();
    return phases.length === 2;
  });
  assert.equal(phases, ['ready', 'starting']);
  // Each request that finds nobody says so: told once, it is not looked at again.
  const before = looks;
  for (let request = 0; request < 1000; request++) registration.look();
  assert.is(looks, before);
  await registration.close();
});

test('many calls are one look', async () => {
  const { phases, enrolment } = told();
  let looks = 0;
  const ready = async (): Promise<boolean> => {
    looks++;
    return await Promise.resolve(true);
  };
  const registration = new Registration({ enrolment, claim, ready, log, look: NEVER });
  await eventually('it is registered', () => phases.length === 1);
  await eventually('it looks again', () => {
    registration.look();
    return looks === 2;
  });
  const startedAt = performance.now();
  await eventually(
    'a while is over',
    () => {
      registration.look();
      return performance.now() - startedAt > 200;
    },
    { every: 1 },
  );
  // One in twenty milliseconds, on a machine that stands still meanwhile, too.
  assert.ok(looks - 2 <= (performance.now() - startedAt) / 20, `${looks} looks`);
  await registration.close();
});

test.run();
