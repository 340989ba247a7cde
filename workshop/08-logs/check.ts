import { request } from '#kit/net/http-client.ts';
import { exercise, need, running, type Stage } from '../lessons/exercise.ts';
import { portOf, settled } from '../commands/observe.ts';
import { why } from './why.ts';

/** Orders of a trial: some 200 bytes of log each, so that the file is rotated several times. */
const ORDERS = 400;
/** Looks without a further line, until what is missing is taken as lost. */
const QUIET_LOOKS = 15;

/** How often each order of a range is in the store. */
async function arrived(stage: Stage, from: number): Promise<Map<number, number>> {
  const body = new URLSearchParams({ query: `service.name:=orders "order" | fields _msg` }).toString();
  const { body: answer } = await request(`http://127.0.0.1:${await portOf(stage, 'store', 9428)}/select/logsql/query`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    timeout: 20_000,
  });
  const counts = new Map<number, number>();
  for (const [, digits] of answer.toString().matchAll(/order (\d+) taken/g)) {
    const number = Number(digits);
    if (number >= from && number < from + ORDERS) counts.set(number, (counts.get(number) ?? 0) + 1);
  }
  return counts;
}

/** Orders come in while the shipper is away; when it is back, and the last one has arrived, all must have. */
async function losesNothing(stage: Stage): Promise<void> {
  await running(stage, 'orders');
  // No number that was used before, and none of those that fail.
  const from = Math.floor(Date.now() / 1000) * 1000 + 1;
  await stage.project.compose(['stop', '--timeout', '5', 'logs'], { timeoutMs: 60_000 });
  try {
    const url = `http://127.0.0.1:8000/?from=${from}&count=${ORDERS}`;
    await stage.project.exec('orders', ['curl', '--silent', '--fail', '--request', 'POST', url]);
  } finally {
    await stage.project.compose(['start', 'logs'], { timeoutMs: 60_000 });
  }
  let quiet = 0;
  let before = -1;
  const found = await settled(why('arrives'), async () => {
    const counts = await arrived(stage, from);
    quiet = counts.size === before ? quiet + 1 : 0;
    before = counts.size;
    return counts.size === ORDERS || (counts.has(from + ORDERS - 1) && quiet >= QUIET_LOOKS) ? counts : undefined;
  });
  need(found.size === ORDERS, why('lost', { count: ORDERS - found.size, all: ORDERS }));
  const twice = [...found.values()].filter((count) => count > 1).length;
  need(twice === 0, why('twice', { count: twice, all: ORDERS }));
}

async function up(stage: Stage): Promise<void> {
  for (const service of ['store', 'orders', 'logs']) await running(stage, service);
}

export default exercise({
  runs: true,
  checks: [
    { must: 'have the application, its shipper and the store running', look: up },
    {
      must: 'lose no order and double none, over rotations while the shipper is away',
      look: losesNothing,
      trial: true,
    },
  ],
});
