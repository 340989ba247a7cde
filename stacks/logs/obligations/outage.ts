/** A store that is down for a minute, and what happens meanwhile: the apps run on, a small disk fills up. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { arrived, complete, field, inMessage } from '../lib/arrivals.ts';
import { metric, ready } from '../../../scripts/lib/admin.ts';
import { peakMemory, takeOrders, work } from '../lib/inside.ts';
import { reserve } from '../lib/numbers.ts';
import { range } from '../lib/sequence.ts';
import { openStore, storeService } from '../lib/store.ts';

const LOAD = 100_000;
/** More than the spool's disk holds. The engine comes back after waits that grow to a minute, so more would only take longer. */
const JOBS = 50_000;
const OUTAGE = 60_000;
/** The most that a request holds: what a store that ignores ids may have twice when it is stopped in the middle of one. */
const BATCH = 5000;
/** How long a hundred thousand lines may take to arrive, in milliseconds. */
const CATCHING_UP = 300_000;
/** What the benchmark's target allows, in MB. */
const MEMORY = 192;

/** What was written while the store was down. */
const written = { began: 0, orders: new Set<number>(), jobs: new Set<number>() };

export function outageBegins({ must }: Scenario): void {
  must(
    'let the apps run on while the store is down, in bounded memory, and say so',
    {
      say: 'The store goes down. Orders and jobs go on: a hundred thousand, and half as many.',
      within: 240_000,
    },
    async ({ project, say }) => {
      await project.stop(storeService);
      written.began = Date.now();
      written.orders = range(reserve('order', LOAD), LOAD);
      written.jobs = range(reserve('job', JOBS), JOBS);
      await Promise.all([
        takeOrders(project, [...written.orders][0]!, LOAD),
        work(project, `jobs ${[...written.jobs][0]} ${JOBS}`),
      ]);
      await eventually('the sidecar is unready', async () => !(await ready(project, 'orders-logs')), {
        within: 90_000,
        every: 500,
      });
      const memory = await peakMemory(project, 'orders-logs');
      assert.ok(memory < MEMORY, `${memory} MB`);
      const waiting = await metric(project, 'orders-logs', 'shipper_file_lag_bytes');
      assert.ok(waiting > 1e6, `${waiting} bytes wait in the file`);
      say(
        `${Math.round(waiting / 1e6)} MB of orders wait in the app's files; the shipper's memory peaked at ${Math.round(memory)} MB`,
      );
    },
  );

  must(
    'hold its policy when the disk of the spool is full, and count it',
    {
      say: "The worker's lines cannot wait in a file. They fill the spool's small disk; then the sidecar takes no more in, and the engine keeps them.",
      needs: 'log-driver',
    },
    async ({ project, say }) => {
      await eventually(
        'the disk is full',
        async () => (await metric(project, 'worker-logs', 'shipper_spool_full')) === 1,
        {
          within: 90_000,
          every: 250,
        },
      );
      const used = await project.exec('worker-logs', ['bash', '-c', 'df --output=pcent /spool | tail -1']);
      assert.ok(Number(used.trim().replace('%', '')) >= 95, `the disk is at ${used}`);
      assert.ok((await metric(project, 'worker-logs', 'shipper_spool_errors_total')) > 0, 'counted');
      assert.is(await metric(project, 'worker-logs', 'shipper_dropped_total'), 0, 'nothing is dropped');
      assert.is(await work(project, 'jobs 0 1'), 'ok', 'the worker runs on');
      say(`the disk is at ${used.trim()}, nothing is dropped`);
    },
  );
}

export function outageEnds({ must }: Scenario): void {
  must(
    'lose nothing to a store that was down for a minute',
    { say: 'The store comes back after a minute. Everything arrives.', within: 480_000 },
    async ({ project, port, say, signal }) => {
      await eventually('the minute is over', () => Date.now() - written.began >= OUTAGE, {
        within: OUTAGE,
        every: 200,
        signal,
      });
      const seconds = Math.round((Date.now() - written.began) / 1000);
      await project.start(storeService);
      const store = openStore(port);
      const { began: since, orders } = written;
      const ofOrders = await arrived(store, { service: 'orders', since: new Date(since - 2000) }, ['order'], {
        numbers: orders,
        within: CATCHING_UP,
        number: field('order'),
      });
      complete(ofOrders, { repeated: BATCH });
      await eventually('the sidecars are ready again', () => ready(project, 'orders-logs'));
      say(`down for ${seconds} s: ${ofOrders.distinct} orders are there, ${ofOrders.repeated} twice`);
    },
  );

  must(
    'lose nothing of what then waited in the spool, and with the engine',
    { say: 'So do the lines for which the spool had no place.', within: 480_000, needs: 'log-driver' },
    async ({ project, port, say }) => {
      // Docker's driver tells the time in whole seconds.
      const since = new Date(written.began - 2000);
      const ofJobs = await arrived(openStore(port), { service: 'worker', since }, ['message'], {
        numbers: written.jobs,
        within: CATCHING_UP,
        number: inMessage(/^job (\d+) done/),
      });
      complete(ofJobs, { repeated: BATCH });
      assert.is(await metric(project, 'worker-logs', 'shipper_spool_full'), 0, 'the spool takes lines again');
      assert.is(await metric(project, 'worker-logs', 'shipper_dropped_total'), 0);
      say(`${ofJobs.distinct} jobs are there, ${ofJobs.repeated} twice`);
    },
  );
}
