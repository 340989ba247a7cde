/** Two versions of a shop: who gets which, and what becomes of a bad one. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { metric } from '../../../scripts/lib/admin.ts';
import type { Driver } from '../../../scripts/lib/driver.ts';
import type { Scenario, Stage } from '../../../scripts/scenario/scenario.ts';
import { entriesOf, type Entry } from '../lib/log.ts';
import { ledgerOf, setMood, Visitors, type Visit } from '../lib/shops.ts';

const NEWCOMERS = 10_000;
/** At 0.16 %, so the new version's as long as it has any share; and beyond 10 %. */
const OF_NEW = 'visitor-57';
const OF_OLD = 'visitor-1';
/** A bad version may have its share for so long, in milliseconds. */
const LIMIT = 5000;

const changes = async (project: Driver, state: string): Promise<Entry[]> =>
  (await entriesOf(project, 'split', 'state')).filter((entry) => entry['state'] === state);

/**
 * Visitors of both versions come until the ambassador says so.
 * @param count entries of that state that its log has then
 */
async function until(stage: Stage, visitors: Visitors, state: string, count: number): Promise<Visit[]> {
  const all: Visit[] = [];
  await eventually(
    `it is ${state}`,
    async () => {
      all.push(...(await visitors.visits(60, (index) => ({ cookie: index % 3 === 0 ? OF_NEW : OF_OLD }))));
      return (await changes(stage.project, state)).length >= count;
    },
    { within: 150_000, signal: stage.signal },
  );
  return all;
}

/** Both versions answer their visitors. */
async function open(visitors: Visitors): Promise<void> {
  await eventually('both shops are open', async () => {
    const both = await Promise.all([OF_OLD, OF_NEW].map((cookie) => visitors.visit({ cookie })));
    return both.map(({ shop }) => shop).join() === 'old,new';
  });
}

/** A fresh start: what it learned of the new version is forgotten. */
async function restart({ project }: Stage): Promise<void> {
  const before = (await project.inspect('split')).State.StartedAt;
  // Not a crash of its own accord: three of these soon after each other would count as a loop.
  await project.kill('split');
  await project.launch('split');
  await eventually('the ambassador is back', async () => {
    const { State } = await project.inspect('split');
    return State.StartedAt !== before && State.Health?.Status === 'healthy';
  });
}

export function splitObligations({ must }: Scenario): void {
  must(
    'send a tenth of ten thousand visitors to the new version, and each always to the same',
    {
      say: 'Ten thousand visitors without a cookie. A tenth gets the new shop, and all stay where they are.',
      within: 480_000,
    },
    async (stage) => {
      const { project, port, say } = stage;
      const visitors = new Visitors(port('SPLIT'));
      await open(visitors);
      const before = (await ledgerOf(project, 'shop-new')).visits;
      const first = await visitors.visits(NEWCOMERS);
      const atNew = first.filter(({ shop }) => shop === 'new').length;
      say(`the new version got ${(100 * atNew) / NEWCOMERS} %`);
      assert.ok(Math.abs(atNew - NEWCOMERS / 10) <= NEWCOMERS / 100, `${atNew} of ${NEWCOMERS}`);
      assert.is(first.filter(({ shop }) => shop === 'old').length, NEWCOMERS - atNew);
      assert.is((await ledgerOf(project, 'shop-new')).visits - before, atNew, 'as the new shop counts them');

      const some = first.slice(0, 300);
      const same = async (): Promise<void> => {
        const again = await visitors.visits(some.length, (index) => ({ cookie: some[index]!.cookie }));
        assert.equal(
          again.map(({ shop }) => shop),
          some.map(({ shop }) => shop),
        );
      };
      await same();
      await restart(stage);
      await same();
      visitors.close();
    },
  );

  must(
    "take a bad version's share away within five seconds; return it in steps once it is mended",
    {
      say: 'The new shop answers with errors. The ambassador notices by itself, and sends its visitors to the old one.',
      within: 240_000,
    },
    async (stage) => {
      const { project, port, say } = stage;
      const visitors = new Visitors(port('SPLIT'));
      await open(visitors);
      const before = (await changes(project, 'backed-off')).length;
      await setMood(project, 'shop-new', 'errs');
      const seen = await until(stage, visitors, 'backed-off', before + 1);
      assert.is(await metric(project, 'split', 'split_backoffs{reason="errors"}'), before + 1);
      const backedOff = (await changes(project, 'backed-off'))[before]!;
      const counted = backedOff['new'] as { readonly answers: number; readonly errors: number };
      say(`backed off after ${String(backedOff['after'])} ms and ${counted.errors} errors`);
      assert.ok((backedOff['after'] as number) <= LIMIT, JSON.stringify(backedOff));
      assert.is(backedOff['reason'], 'errors');
      assert.ok(counted.errors >= 5, 'one error does not do it');
      assert.ok((backedOff['chance'] as number) <= 1e-6);
      // Everybody else's visits went on.
      for (const { status, shop } of seen) assert.ok(status === 200 || shop === 'out of order');

      await setMood(project, 'shop-new', 'well');
      const whole = (await changes(project, 'whole')).length;
      await until(stage, visitors, 'whole', whole + 1);
      const shares = (await entriesOf(project, 'split', 'state')).map((entry) => entry['share']);
      // It may have been let in too early, and have fallen back: the last four are its way back.
      assert.equal(shares.slice(-4), [1, 2.5, 5, 10]);
      assert.is((await visitors.visit({ cookie: OF_NEW })).shop, 'new');
      visitors.close();
    },
  );

  must(
    'lose no request when the new version is killed or hangs, and take its share away',
    { say: 'The new shop is killed; then it hangs. Nobody notices: the old one answers for it.', within: 240_000 },
    async (stage) => {
      const { project, port, say } = stage;
      const visitors = new Visitors(port('SPLIT'));
      await restart(stage);
      await open(visitors);
      const before = (await changes(project, 'backed-off')).length;
      await project.kill('shop-new');
      try {
        for (const { status, shop } of await until(stage, visitors, 'backed-off', before + 1))
          assert.equal([status, shop === 'old' || shop === 'new'], [200, true]);
        const killed = (await changes(project, 'backed-off'))[before]!;
        say(`once it was killed, backed off after ${String(killed['after'])} ms`);
        assert.ok((killed['after'] as number) <= LIMIT, JSON.stringify(killed));
      } finally {
        await project.start('shop-new');
      }

      await restart(stage);
      await open(visitors);
      const since = (await changes(project, 'backed-off')).length;
      await setMood(project, 'shop-new', 'hangs');
      try {
        for (const { status, shop } of await until(stage, visitors, 'backed-off', since + 1))
          assert.equal([status, shop === 'old' || shop === 'new'], [200, true]);
        const backedOff = (await changes(project, 'backed-off'))[since]!;
        say(`while it hung, backed off after ${String(backedOff['after'])} ms`);
        assert.ok((backedOff['after'] as number) <= LIMIT, JSON.stringify(backedOff));
      } finally {
        await setMood(project, 'shop-new', 'well');
      }
      visitors.close();
    },
  );
}
