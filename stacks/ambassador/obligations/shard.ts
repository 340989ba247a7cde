/** The keys of an app that knows one server live on three. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { metric } from '../../../scripts/lib/admin.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { Baskets, idOf } from '../lib/baskets.ts';
import { keysOfEach } from '../lib/valkeys.ts';

const VISITORS = 150;

export function shardObligations({ must }: Scenario): void {
  must(
    'spread the keys of an unchanged app over three servers',
    { say: 'The app knows one server, at 127.0.0.1:6379. Its baskets lie on three.' },
    async ({ project, port, say }) => {
      const app = new Baskets(port('APP'));
      await app.up();
      const names = Array.from({ length: VISITORS }, (_, index) => idOf(index));
      for (const name of names) await app.add(name, 'teapot');
      assert.equal(await app.ask('GET', '/baskets'), names.toSorted());
      assert.equal(await app.ask('GET', `/baskets/${names[7]}`), { teapot: '1' });
      const counts = (await keysOfEach(project, 'basket:*')).map(({ length }) => length);
      say(`baskets on each: ${counts.join(', ')}`);
      assert.is(
        counts.reduce((sum, each) => sum + each),
        VISITORS,
      );
      for (const count of counts) assert.ok(count > VISITORS / 10, `${count} of ${VISITORS} keys on one of three`);
    },
  );

  must(
    'serve an app in another pod as well, where AMBASSADOR_ADDRESS lets it',
    { say: 'The same ambassador in a pod of its own: an app elsewhere sees the same baskets.' },
    async ({ port }) => {
      const [inside, outside] = [new Baskets(port('APP')), new Baskets(port('OUTSIDE_APP'))];
      await outside.up();
      assert.equal(await outside.ask('GET', '/baskets'), await inside.ask('GET', '/baskets'));
      await outside.add('both', 'mug');
      assert.equal(await inside.ask('GET', '/baskets/both'), { mug: '1' });
    },
  );

  must(
    'answer MGET, MSET and DEL over all servers, and its queue of orders, as one server would',
    { say: 'Prices are set, read and deleted many at once; orders wait in a queue.' },
    async ({ project, port }) => {
      const app = new Baskets(port('APP'));
      const prices = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [idOf(index), String(index)]));
      const of = Object.keys(prices).join(',');
      assert.equal(await app.ask('PUT', '/prices', prices), { set: 60 });
      assert.equal(await app.ask('GET', `/prices?of=${of}`), prices);
      for (const keys of await keysOfEach(project, 'price:*')) assert.ok(keys.length > 0);
      assert.equal(await app.ask('DELETE', `/prices?of=${of},none`), { deleted: 60 });
      assert.ok((await metric(project, 'ambassador', 'fragments')) >= 9);
      const { order } = (await app.ask('POST', '/orders/alice')) as { order: number };
      await eventually('the order is packed', async () => {
        const { state } = (await app.ask('GET', `/orders/${order}`)) as { state: string | null };
        return state === 'packed for alice';
      });
    },
  );
}
