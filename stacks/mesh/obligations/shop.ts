/** The shop does its work. */
import * as assert from 'uvu/assert';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { shopOf } from '../lib/shop.ts';

export function shopObligations({ must }: Scenario): void {
  must(
    'sell through four services in three languages',
    {
      say: 'A web shop: the front in Perl asks a catalogue in Python and an order desk in Node, which asks a gRPC service in Python and PostgreSQL.',
    },
    async (stage) => {
      const shop = shopOf(stage);
      const page = await shop.get('/');
      assert.is(page.status, 200, page.text);
      assert.match(page.text, /<h1>Tea things<\/h1>[\s\S]+Teapot/);
      const order = await shop.post('/order/mug?quantity=2');
      assert.is(order.status, 201, order.text);
      const { id, left } = JSON.parse(order.text) as { id: number; left: number };
      const { text } = await shop.get('/orders');
      assert.ok(
        (JSON.parse(text) as { id: string }[]).some((each) => Number(each.id) === id),
        text,
      );
      stage.say(`order ${id} is in the database, ${left} mugs are left`);
    },
  );
}
