/** Three servers become four, and three again, while they are used. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { metric } from '../../../scripts/lib/admin.ts';
import type { Project } from '../../../scripts/lib/compose.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { idOf } from '../lib/baskets.ts';
import { clientOf, valkey } from '../lib/valkeys.ts';

const KEYS = 3000;
/** How much more than a server's share may move. */
const MARGIN = 0.05;
const CHANGES = {
  add: "{ cat servers; echo 'valkey-g:6379:1 g'; } > next",
  remove: 'grep -v valkey-d servers > next',
};

/** Change the list of servers. @returns once all keys have moved, and the state has exactly these servers */
async function change(project: Project, how: keyof typeof CHANGES, names: readonly string[]): Promise<void> {
  const file = `cd /var/lib/ambassador; ${CHANGES[how]} && mv next servers`;
  await project.exec('growing-ambassador', ['bash', '-c', file]);
  await eventually('all keys have moved', async () => {
    const state = await project.exec('growing-ambassador', ['cat', '/var/lib/ambassador/servers.json']);
    const { servers, target } = JSON.parse(state) as { servers: { name: string }[]; target?: unknown };
    return target === undefined && servers.map(({ name }) => name).join() === names.join();
  });
}

/**
 * Read all keys again and again, and write them one after the other, until something is done.
 * @param port of the ambassador
 * @returns how often all were read; throws for a key that was missing, old or an error
 */
async function whileUsed(port: number, what: () => Promise<void>): Promise<number> {
  const [client, writer] = [await clientOf(port), await clientOf(port)];
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
  await Promise.all([what().finally(() => (over = true)), reading, writing]);
  assert.equal(
    await client.ask('MGET', ...keys),
    keys.map((key) => written.get(key)),
  );
  assert.is(await client.ask('DBSIZE'), KEYS, 'each key is in one place');
  for (const each of [client, writer]) each.close();
  return rounds;
}

export function growthObligations({ must }: Scenario): void {
  must(
    'take a fourth server while it serves: a quarter of the keys moves, all stay readable',
    { say: 'A fourth server is added. Keys move to it while they are read and written.', within: 120_000 },
    async ({ project, port, say }) => {
      const rounds = await whileUsed(port('GROWING'), () => change(project, 'add', ['d', 'e', 'f', 'g']));
      const moved = await metric(project, 'growing-ambassador', 'keys_moved');
      const held = Number(await valkey(project, 'valkey-g', 'DBSIZE'));
      say(`${moved} of ${KEYS} keys moved; all were read ${rounds} times meanwhile`);
      assert.is(held, moved, 'what moved is there');
      assert.ok(moved > KEYS / 10 && moved <= KEYS * (1 / 4 + MARGIN), `${moved} of ${KEYS}`);
    },
  );

  must(
    'give up a server while it serves: only its keys move, and it holds none when it is done',
    { say: 'The first server is taken off the list. Its keys move to the others.', within: 120_000 },
    async ({ project, port, say }) => {
      const held = Number(await valkey(project, 'valkey-d', 'DBSIZE'));
      const before = await metric(project, 'growing-ambassador', 'keys_moved');
      const rounds = await whileUsed(port('GROWING'), () => change(project, 'remove', ['e', 'f', 'g']));
      const moved = (await metric(project, 'growing-ambassador', 'keys_moved')) - before;
      say(`${moved} keys moved; all were read ${rounds} times meanwhile`);
      assert.is(moved, held, 'its keys, and no other');
      assert.is(Number(await valkey(project, 'valkey-d', 'DBSIZE')), 0);
    },
  );
}
