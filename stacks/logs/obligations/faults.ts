/** A store that fails in every documented way, and a sidecar that is killed: counted where ids are honoured. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { complete, ledger, ledgerArrived } from '../lib/arrivals.ts';
import { openFaulty } from '../lib/faulty.ts';
import { metric } from '../../../scripts/lib/admin.ts';
import { killAndStart, peakMemory, writeLedger } from '../lib/inside.ts';
import { reserve } from '../lib/numbers.ts';
import { range, tally } from '../lib/sequence.ts';

const LOAD = 100_000;
/** BULK_MAX_RECORDS of ledger-logs. */
const BATCH = 1000;
const KILLS = 10;
const MEMORY = 192;

export function faults({ must }: Scenario): void {
  must(
    'lose nothing, keep order, stay small when the store is slow, answers 429 or defers items',
    {
      say: 'Another store, which fails on demand: it is slow, too busy, unavailable, cuts connections, and puts single lines off.',
      within: 360_000,
    },
    async ({ project, port, say }) => {
      const faulty = openFaulty(port);
      const from = reserve('entry', LOAD);
      const { created: after } = await faulty.counts();
      await faulty.fail([
        { kind: 'status', status: 429, retryAfter: 1, times: 2 },
        { kind: 'status', status: 503, times: 4 },
        { kind: 'cut', after: false, times: 3 },
        { kind: 'slow', ms: 300, times: 10 },
        { kind: 'garbage', text: '<html>Bad gateway</html>', times: 1 },
        { kind: 'item', status: 429, every: 997, times: 30 },
        { kind: 'item', status: 503, every: 1499, times: 10 },
      ]);
      await writeLedger(project, from, LOAD);
      const expected = range(from, LOAD);
      const counted = await ledgerArrived(faulty, expected, { after, within: 240_000 });
      complete(counted);
      const { faults: seen, conflicts } = await faulty.counts();
      assert.ok(seen >= 60, `${seen} faults`);
      const retried = await metric(project, 'ledger-logs', 'shipper_retried_total');
      assert.ok(retried >= 40, `${retried} lines were sent again`);
      assert.is(await metric(project, 'ledger-logs', 'shipper_dead_total'), 0, 'nothing is dead');
      // Lines that were put off come behind those of their own request, and before all others.
      const late = overtaken(await ledger(faulty, after), expected);
      assert.ok(late <= BATCH, `a line was overtaken by ${late} others`);
      const memory = await peakMemory(project, 'ledger-logs');
      assert.ok(memory < MEMORY, `${memory} MB`);
      say(
        `${seen} faults: ${counted.distinct} of ${LOAD} lines, none twice, ${conflicts} told by the store to be there already`,
      );
    },
  );

  must(
    'put what the store refuses aside with its reason, and send it again on demand',
    { say: 'The store refuses some lines for what is in them. They wait in a file that can be read, and replayed.' },
    async ({ project, port, say }) => {
      const faulty = openFaulty(port);
      const count = 2000;
      const from = reserve('entry', count);
      const { created: after } = await faulty.counts();
      await faulty.fail([{ kind: 'item', status: 400, pattern: `"seq":\\d*77\\}` }]);
      await writeLedger(project, from, count);
      const refused = [...range(from, count)].filter((number) => number % 100 === 77);
      const counted = await ledgerArrived(faulty, range(from, count), { after, refused: refused.length });
      assert.is(counted.missingCount, refused.length);
      const letters = await eventually('all are in the file', async () => {
        const file = '/var/lib/log-shipper/dead/dead-letters.ndjson';
        const lines = (await project.exec('ledger-logs', ['cat', file])).split('\n');
        return lines.length === refused.length && lines;
      });
      const read = letters.map((line) => JSON.parse(line) as { status: number; reason: string; body: string });
      assert.ok(read.every(({ status, reason }) => status === 400 && /failed to parse field/.test(reason)));
      assert.equal(
        read.map(({ body }) => (JSON.parse(body) as { seq: number }).seq),
        refused,
      );
      await faulty.fail([]);
      const said = await project.exec('ledger-logs', ['log-shipper', 'replay']);
      assert.is(said, `${refused.length} replayed: ${refused.length} stored, 0 already there, 0 refused again`);
      complete(tally(await ledger(faulty, after), range(from, count)));
      say(`${read[0]!.reason}; then: ${said}`);
    },
  );

  must(
    'store nothing twice when the answer is lost after the store has committed',
    { say: 'Connections are cut after the store has committed: it has the lines, and the sidecar cannot know.' },
    async ({ project, port, say }) => {
      const faulty = openFaulty(port);
      const count = 20_000;
      const from = reserve('entry', count);
      await faulty.fail([{ kind: 'cut', after: true, times: 5 }]);
      const before = await faulty.counts();
      await writeLedger(project, from, count);
      const after = before.created;
      const counted = await ledgerArrived(faulty, range(from, count), { after });
      await eventually('the cuts are over', async () => (await faulty.counts()).faults >= before.faults + 5);
      complete(counted);
      await eventually(
        'all is acknowledged',
        async () => (await metric(project, 'ledger-logs', 'shipper_queue_records')) === 0,
      );
      const { conflicts } = await faulty.counts();
      assert.ok(conflicts > before.conflicts, 'lines were sent again under their ids');
      complete(tally(await ledger(faulty, after), range(from, count)));
      say(`${conflicts - before.conflicts} lines were sent again; the store knew their ids, and has each once`);
    },
  );

  must(
    'lose nothing to ten kills under load, and send at most a request again for each',
    { say: 'kill -9, ten times, while a hundred thousand lines are written.', within: 360_000 },
    async ({ project, port, say }) => {
      const faulty = openFaulty(port);
      const from = reserve('entry', LOAD);
      const before = await faulty.counts();
      await faulty.fail([]);
      const share = LOAD / KILLS;
      for (let kill = 0; kill < KILLS; kill++) {
        const { created } = await faulty.counts();
        // For about two seconds; the kill comes as soon as the first of them have arrived.
        const writing = writeLedger(project, from + kill * share, share, share / 2);
        await eventually('it ships', async () => (await faulty.counts()).created > created, { within: 60_000 });
        await killAndStart(project, 'ledger-logs');
        await writing;
      }
      const counted = await ledgerArrived(faulty, range(from, LOAD), { after: before.created, within: 180_000 });
      complete(counted);
      const { conflicts } = await faulty.counts();
      const again = conflicts - before.conflicts;
      assert.ok(again <= KILLS * BATCH, `${again} lines were sent again`);
      assert.is(counted.disordered, 0, 'the order is kept');
      say(`${KILLS} kills: ${counted.distinct} of ${LOAD} lines, none twice; ${again} were sent again under their ids`);
    },
  );
}

/** How far a line was overtaken at most: the distance to the furthest one that was accepted before it. */
function overtaken(numbers: readonly number[], expected: ReadonlySet<number>): number {
  let furthest = -Infinity;
  let worst = 0;
  for (const number of numbers) {
    if (!expected.has(number)) continue;
    furthest = Math.max(furthest, number);
    worst = Math.max(worst, furthest - number);
  }
  return worst;
}
