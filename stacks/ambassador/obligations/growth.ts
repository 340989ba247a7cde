/** Three servers become four while they are used. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { metric } from '../../../scripts/lib/admin.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { idOf } from '../lib/baskets.ts';
import { clientOf, valkey } from '../lib/valkeys.ts';

const KEYS = 3000;
/** How much more than a new server's share may move. */
const MARGIN = 0.05;
const ADD = "cd /var/lib/ambassador; { cat servers; echo 'valkey-g:6379:1 g'; } > next && mv next servers";

export function growthObligations({ must }: Scenario): void {
  must(
    'take a fourth server while it serves: a quarter of the keys moves, and all are readable throughout',
    { say: 'A fourth server is added. Keys move to it while they are read and written.', within: 120_000 },
    async ({ project, port, say }) => {
      const [client, writer] = [await clientOf(port('GROWING')), await clientOf(port('GROWING'))];
      const keys = Array.from({ length: KEYS }, (_, index) => `g:${idOf(index)}`);
      const written = new Map(keys.map((key) => [key, '0']));
      assert.is(await client.ask('MSET', ...keys.flatMap((key) => [key, '0'])), 'OK');
      let over = false;
      let rounds = 0;
      const reading = (async () => {
        for (; !over; rounds++) {
          const values = await client.pipeline(...keys.map((key) => ['GET', key]));
          assert.equal(
            values.filter((value) => typeof value !== 'string'),
            [],
          );
        }
      })();
      const writing = (async () => {
        for (let index = 1; !over; index++) {
          const key = keys[(index * 31) % KEYS]!;
          assert.is(await writer.ask('SET', key, String(index)), 'OK');
          written.set(key, String(index));
        }
      })();
      await eventually('keys are read', () => rounds > 0);
      await project.exec('growing-ambassador', ['bash', '-c', ADD]);
      const whole = eventually('all keys have moved', async () =>
        /"servers":\[.*"name":"g".*\],"adding":\[\]/.test(
          await project.exec('growing-ambassador', ['cat', '/var/lib/ambassador/servers.json']),
        ),
      ).finally(() => (over = true));
      await Promise.all([whole, reading, writing]);
      assert.equal(
        await client.ask('MGET', ...keys),
        keys.map((key) => written.get(key)),
      );
      const moved = await metric(project, 'growing-ambassador', 'keys_moved');
      const held = Number(await valkey(project, 'valkey-g', 'DBSIZE'));
      say(`${moved} of ${KEYS} keys moved; all were read ${rounds} times meanwhile`);
      assert.is(held, moved, 'what moved is there');
      assert.ok(moved > KEYS / 10 && moved <= KEYS * (1 / 4 + MARGIN), `${moved} of ${KEYS}`);
      assert.is(await client.ask('DBSIZE'), KEYS, 'each key is in one place');
      for (const each of [client, writer]) each.close();
    },
  );
}
