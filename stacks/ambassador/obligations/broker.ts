/** A file says which servers are behind two ports; they are moved while they are used. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { adminPage, metric, ready } from '../../../scripts/lib/admin.ts';
import type { Driver } from '../../../scripts/lib/driver.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { Workers } from '../lib/shelf.ts';
import { ledgerOf, Visitors } from '../lib/shops.ts';
import { valkey } from '../lib/valkeys.ts';

/** Replace the file as a publisher does: by a rename. */
async function publish(project: Driver, text: string): Promise<void> {
  const script = `printf '%s' "$1" > /servers/new && mv /servers/new /servers/servers.yaml`;
  await project.exec('operator', ['bash', '-c', script, 'publish', text]);
}

const places = { shop: 'shop-a', shelf: 'shelf-a' };

/** Say where things are; those that are not named stay. */
async function move(project: Driver, to: Partial<typeof places>): Promise<void> {
  Object.assign(places, to);
  await publish(
    project,
    `services:
  shop: { port: 8080, protocol: http, servers: ["${places.shop}:8080"] }
  shelf: { port: 6379, servers: ["${places.shelf}:6379"], drain: { quiet: 200ms } }
`,
  );
}

/** Wait until the broker has moved a service so often. */
async function moved(project: Driver, service: string, times: number): Promise<void> {
  await eventually(`${service} is moved`, async () => {
    return (await metric(project, 'broker', `broker_moves{service="${service}"}`)) === times;
  });
}

export function brokerObligations({ must }: Scenario): void {
  must(
    'move a service of HTTP to and fro under load, and lose or repeat no request',
    { say: 'Orders come in all the time, and the shop is moved from one server to another and back.', within: 240_000 },
    async ({ project, port, say, signal }) => {
      const visitors = new Visitors(port('BROKER_SHOP'));
      await eventually('the shop is open', async () => (await visitors.visit()).shop === 'a');
      let stopped = false;
      let ordered = 0;
      const order = async (worker: number): Promise<void> => {
        for (let index = 0; !stopped; index++) {
          const { status } = await visitors.visit({ method: 'POST', path: `/orders/${worker}-${index}` });
          assert.is(status, 200);
          ordered++;
        }
      };
      const load = Promise.all(Array.from({ length: 8 }, (_, worker) => order(worker)));
      load.catch(() => {});
      for (const [times, shop] of ['shop-b', 'shop-a', 'shop-b'].entries()) {
        const before = ordered;
        await eventually('orders come in', () => ordered > before + 50, { signal });
        await move(project, { shop });
        await moved(project, 'shop', times + 1);
      }
      const before = ordered;
      await eventually('orders go on', () => ordered > before + 50, { signal });
      stopped = true;
      await load;
      const [a, b] = [await ledgerOf(project, 'shop-a'), await ledgerOf(project, 'shop-b')];
      say(`${ordered} orders: ${a.orders} at the one, ${b.orders} at the other`);
      assert.is(a.orders + b.orders, ordered);
      assert.is(a.repeated + b.repeated, 0);
      assert.ok(a.orders > 0 && b.orders > 0);
      assert.is(await metric(project, 'broker', 'forward_error'), 0);
      visitors.close();
    },
  );

  must(
    'move a TCP service under load: drained in quiet moments, its old server off, nothing lost',
    {
      say: 'The shelf is a Valkey. Its clients count, it is moved, and the old one is switched off when it is empty.',
      within: 240_000,
    },
    async ({ project, port, say, signal }) => {
      const on = async (server: string): Promise<number> => Number(await valkey(project, server, 'GET', 'count'));
      // Six come and go; two keep their connection, and are silent for a second now and then.
      const workers = new Workers(port('BROKER_SHELF'), 'count', 6, [1000, 1300]);
      const goesOn = async (): Promise<void> => {
        const before = workers.done;
        await eventually('the shelf answers', () => workers.done > before + 100, { signal });
      };
      await goesOn();
      await move(project, { shelf: 'shelf-b' });
      await moved(project, 'shelf', 1);
      await eventually(
        'nothing is left at the old server',
        async () =>
          (await metric(project, 'broker', 'broker_connections{service="shelf",server="shelf-a:6379"}')) === 0,
        { signal },
      );
      const atA = await on('shelf-a');
      await project.kill('shelf-a');
      try {
        await goesOn();
        const { done, again } = await workers.stop();
        const atB = await on('shelf-b');
        say(`${done} answered: ${atA} by the one, ${atB} by the other; ${again} sent again`);
        assert.is(atA + atB, done, 'each was done once');
        assert.ok(atA > 0 && atB > 0);
        // The two that kept theirs were drained, at a quiet moment.
        assert.ok((await metric(project, 'broker', 'broker_drained{service="shelf",moment="quiet"}')) >= 1);
        assert.is(await metric(project, 'broker', 'broker_drained{service="shelf",moment="limit"}'), 0);
      } finally {
        await project.start('shelf-a');
      }
    },
  );

  must(
    'go on with the last good file when the new one is garbage, and say so',
    {
      say: 'Somebody writes garbage into the file. It is refused with its line, and everything goes on.',
      within: 180_000,
    },
    async ({ project, port, say }) => {
      const visitors = new Visitors(port('BROKER_SHOP'));
      const { shop } = await visitors.visit();
      try {
        await publish(project, 'services:\n  shop:\n    port: eighty\n    servers: []\n');
        const report = await eventually('it is refused', async () => {
          const { status, body } = await adminPage(project, 'broker', '/readyz');
          return status === 503 && body.includes('the last good one goes on') && body;
        });
        assert.match(report, /servers\.yaml: line 3: shop\.port is \\"eighty\\"; accepted is a number from 1 to 65535/);
        say('line 3: shop.port is "eighty"; accepted is a number from 1 to 65535');
        assert.equal(
          (await visitors.visits(50)).map((each) => each.shop),
          Array.from({ length: 50 }, () => shop),
        );
      } finally {
        await move(project, {});
      }
      await eventually('it is ready again', () => ready(project, 'broker'));
      visitors.close();
    },
  );

  must(
    'let requests wait while the server that a service is moved to is gone, and lose none',
    { say: 'The shop is moved to a server that is not there. Orders wait until it is.', within: 240_000 },
    async ({ project, port, signal }) => {
      const visitors = new Visitors(port('BROKER_SHOP'));
      const other = places.shop === 'shop-a' ? 'shop-b' : 'shop-a';
      const moves = await metric(project, 'broker', 'broker_moves{service="shop"}');
      let waiting: ReturnType<Visitors['visits']> = Promise.resolve([]);
      await project.stop(other);
      try {
        await move(project, { shop: other });
        await moved(project, 'shop', moves + 1);
        waiting = visitors.visits(20, (index) => ({ method: 'POST', path: `/orders/late-${index}` }));
        waiting.catch(() => {});
        await eventually(
          'the broker says that it cannot be reached',
          async () => (await adminPage(project, 'broker', '/readyz')).body.includes(`${other}:8080`),
          { signal },
        );
      } finally {
        await project.start(other);
      }
      for (const { status, shop } of await waiting) assert.equal([status, shop], [200, other.slice(-1)]);
      const { orders, repeated } = await ledgerOf(project, other);
      assert.equal([orders, repeated], [20, 0]);
      visitors.close();
    },
  );
}
