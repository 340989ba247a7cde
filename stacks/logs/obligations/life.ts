/** What apps and sidecars do to each other by crashing, coming late and staying away. */
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import * as assert from 'uvu/assert';
import type { Project } from '../../../scripts/lib/compose.ts';
import { eventually } from '#kit/testing/eventually.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { arrived, complete, field, inMessage, ledger, ledgerArrived } from '../lib/arrivals.ts';
import { openFaulty } from '../lib/faulty.ts';
import { ready } from '../../../scripts/lib/admin.ts';
import { crashingPython, killAndStart, python, takeOrders, work, writeLedger } from '../lib/inside.ts';
import { reserve, written } from '../lib/numbers.ts';
import { range } from '../lib/sequence.ts';
import { openStore, type Store } from '../lib/store.ts';

const SMALL = 1000;
const REGISTRY = '/var/lib/log-shipper/registry';

/** Who writes lines of a kind, and how their numbers are found in what the store has. */
const LINES = {
  order: { service: 'orders', number: field('order') },
  job: { service: 'worker', number: inMessage(/^job (\d+) done/) },
} as const;
const FIELDS = ['message', 'order'];

/** Lines that are about to be written, from now on, and their arrival. */
function expectIn(store: Store, kind: keyof typeof LINES): { from: number; arrives: () => Promise<void> } {
  const from = reserve(kind, SMALL);
  const since = new Date(Date.now() - 2000);
  const { service, number } = LINES[kind];
  return {
    from,
    arrives: async () =>
      complete(await arrived(store, { service, since }, FIELDS, { numbers: range(from, SMALL), number })),
  };
}

export function life({ must }: Scenario): void {
  must(
    'ship a stack trace as far as it came when the app crashed, and a late line once',
    {
      say: 'An app is killed in the middle of a stack trace; another, and then its sidecar too, in the middle of a line.',
    },
    async ({ project, port, say }) => {
      const store = openStore(port);
      const order = reserve('order', 2);
      const since = new Date(Date.now() - 2000);
      const trace = 'Traceback (most recent call last):\\n  File \\"batch.py\\", line 7, in ta';
      await crashingPython(
        project,
        `open("/var/log/orders/batch.log", "w").write('{"message":"order ${order} failed","order":${order}}\\n${trace}')`,
      );
      const find = async (number: number) =>
        (await store.find({ service: 'orders', since }, ['order', 'error.stack_trace'])).filter(
          (found) => found['order'] === `${number}`,
        );
      await eventually('the trace is there', async () => (await find(order)).length > 0, { within: 60_000 });
      await python(
        project,
        `open("/var/log/orders/batch.log", "a").write('ke\\n{"message":"up again","order":${order + 1}}\\n')`,
      );
      await eventually('the app goes on', async () => (await find(order + 1)).length > 0, { within: 60_000 });
      const [crashed, ...more] = await find(order);
      assert.is(more.length, 0, 'once');
      assert.match(crashed!['error.stack_trace']!, /^Traceback[^]*line 7, in ta$/);

      const faulty = openFaulty(port);
      const entry = reserve('entry', 2);
      const { created: after } = await faulty.counts();
      const file = '/var/log/orders/ledger/ledger.log';
      await crashingPython(
        project,
        `open("${file}", "a").write('{"message":"entry ${entry} in the ledger","seq":${entry}}\\n{"message":"entry ${entry + 1} in')`,
      );
      await eventually('what is whole is there', async () => (await ledger(faulty, after)).includes(entry));
      await killAndStart(project, 'ledger-logs');
      await python(project, `open("${file}", "a").write(' the ledger","seq":${entry + 1}}\\n')`);
      complete(await ledgerArrived(faulty, range(entry, 2), { after, within: 60_000 }));
      const bodies = (await faulty.documents(after)).filter(({ body }) => body.includes(`entry ${entry + 1} in`));
      assert.is(bodies.length, 1, 'never in two parts');
      say(`the trace ends with "${crashed!['error.stack_trace']!.slice(-10)}"; the line is whole, and there once`);
    },
  );

  must(
    'set aside a registry that is damaged or of another version; send twice rather than never',
    {
      say: 'What the sidecar knows of its files is damaged, then comes from another version. It says so, starts, and ships its files again.',
      needs: 'compose',
      within: 240_000,
    },
    async ({ project, port, say }) => {
      const faulty = openFaulty(port);
      const service = 'ledger-logs';
      // What earlier obligations wrote is in the store; sent again, it would be more than the store's memory.
      await python(project, `import glob, os\nfor path in glob.glob("/var/log/orders/ledger/*"): os.unlink(path)`);
      const entries = reserve('entry', SMALL);
      const { created: first } = await faulty.counts();
      await writeLedger(project, entries, SMALL);
      complete(await ledgerArrived(faulty, range(entries, SMALL), { after: first }));
      const header = JSON.stringify({ format: 'log-shipper registry', version: 0, instance: 'x', sequence: 1 });
      for (const text of ['garbage\n', `${crc32(header).toString(16).padStart(8, '0')} ${header}\n`]) {
        await project.stop(service);
        const { created: after } = await faulty.counts();
        await writeRegistry(project, service, Buffer.from(text).toString('base64'));
        await project.start(service);
        complete(await ledgerArrived(faulty, range(entries, SMALL), { after }));
      }
      const kept = (await project.exec(service, ['ls', dirname(REGISTRY)])).split('\n');
      assert.is(kept.filter((name) => name.startsWith('registry.damaged-')).length, 2, kept.join(', '));
      const log = await project.logs(await project.id(service), 200);
      assert.match(log, /the registry is damaged and was set aside/);
      const from = reserve('entry', SMALL);
      const { created: after, conflicts } = await faulty.counts();
      await writeLedger(project, from, SMALL);
      complete(await ledgerArrived(faulty, range(from, SMALL), { after }));
      assert.is((await faulty.counts()).conflicts, conflicts, 'nothing old was sent again after that');
      say(kept.find((name) => name.startsWith('registry.damaged-'))!);
    },
  );

  must(
    'let an app run on while its sidecar is stopped, and catch up with its files',
    { say: 'A sidecar is stopped. The app runs and logs without it, and nothing of it is lost.', within: 240_000 },
    async ({ project, port }) => {
      const alone = expectIn(openStore(port), 'order');
      await project.stop('orders-logs');
      try {
        assert.match(await takeOrders(project, alone.from, SMALL), /1000 orders taken/);
      } finally {
        await project.start('orders-logs');
      }
      await alone.arrives();
    },
  );

  must(
    "keep an app running while its output's reader is absent, late or stopped; then catch up",
    {
      say: 'The same for the app that writes to stdout alone: it starts and runs without its sidecar.',
      within: 240_000,
      needs: 'log-driver',
    },
    async ({ project, port }) => {
      const store = openStore(port);
      // Absent when the app starts.
      const late = expectIn(store, 'job');
      await project.stop('worker-logs');
      try {
        await project.stop('worker');
        await project.start('worker');
        await eventually('it answers', async () => (await work(project, `jobs ${late.from} ${SMALL}`)) === 'ok');
      } finally {
        await project.start('worker-logs');
      }
      await late.arrives();
      // Stopped while the app runs.
      const meanwhile = expectIn(store, 'job');
      await project.stop('worker-logs');
      try {
        assert.is(await work(project, `jobs ${meanwhile.from} ${SMALL}`), 'ok');
      } finally {
        await project.start('worker-logs');
      }
      await meanwhile.arrives();
      await eventually('the sidecar is ready', () => ready(project, 'worker-logs'));
    },
  );

  for (const [kind, options] of [
    ['order', { say: 'What was written to files, and what the store has of it, by a query.' }],
    ['job', { say: 'And of what was written to stdout.', needs: 'log-driver' }],
  ] as const) {
    const { service, number } = LINES[kind];
    must(
      `have in the store, at the end, each ${kind} that ${service} has written`,
      { ...options, within: 240_000 },
      async ({ port, say }) => {
        const numbers = range(1, written(kind));
        const { distinct, repeated } = await arrived(openStore(port), { service }, FIELDS, { numbers, number });
        assert.is(distinct, numbers.size);
        say(`${service}: ${numbers.size} lines written, ${distinct} in the store, ${repeated} twice`);
      },
    );
  }

  must(
    'change nothing at a second `docker compose up`',
    { say: 'Bringing the stack up a second time changes nothing.', needs: 'compose' },
    async ({ project }) => {
      const all = async (): Promise<string[]> =>
        (await project.containers()).map(({ Id, State }) => `${Id} ${State.StartedAt}`).toSorted();
      const before = await all();
      assert.is(before.length, 14);
      await project.up();
      assert.equal(await all(), before);
    },
  );
}

/** Put a registry where a stopped sidecar will look for it. */
const writeRegistry = (project: Project, service: string, base64: string): Promise<string> =>
  project.compose(
    ['run', '--rm', '-T', '--no-deps', '--entrypoint', 'bash', service, '-c', `base64 -d > ${REGISTRY}`],
    { input: base64, timeoutMs: 30_000 },
  );
