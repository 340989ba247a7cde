/** Lines of each application arrive, told apart, with what belongs to them, and nothing else of them. */
import * as assert from 'uvu/assert';
import type { EngineError } from '../../../scripts/lib/engine.ts';
import { eventually } from '#kit/testing/eventually.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { arrived, complete, field, inMessage } from '../lib/arrivals.ts';
import { python, takeOrders, work } from '../lib/inside.ts';
import { reserve } from '../lib/numbers.ts';
import { range } from '../lib/sequence.ts';
import { openStore } from '../lib/store.ts';

const SMALL = 1000;
/** Docker splits lines above 16 KiB. */
const LONG = 100_000;

export function arrival({ must }: Scenario): void {
  must(
    'bring the stdout and stderr of an unmodified container, told apart',
    {
      say: 'A worker in Perl writes to stdout and stderr and knows of nothing else. Its container has a logging driver; its sidecar is on the other end.',
      needs: 'log-driver',
    },
    async ({ project, port, say }) => {
      const store = openStore(port);
      const from = reserve('job', SMALL);
      const since = new Date(Date.now() - 2000);
      await work(project, `jobs ${from} ${SMALL}`);
      await work(project, `dump ${LONG}`);
      const search = { service: 'worker', since };
      const stream = (name: string, pattern: RegExp) => ({
        numbers: range(from, SMALL),
        number: (found: Readonly<Record<string, string>>) =>
          found['stream'] === name ? inMessage(pattern)(found) : undefined,
      });
      complete(await arrived(store, search, ['message', 'stream'], stream('stdout', /^job (\d+) done/)));
      const found = await eventually('stderr and the long line are there too', async () => {
        const all = await store.find(search, ['message', 'stream']);
        const slow = all.filter((each) => each['stream'] === 'stderr');
        return slow.length >= SMALL / 10 && all.some(({ message = '' }) => message.startsWith('state ')) && all;
      });
      const errors = found.filter((each) => each['stream'] === 'stderr');
      assert.is(errors.length, SMALL / 10);
      assert.ok(
        errors.every(({ message = '' }) => /^job \d+ was slow$/.test(message)),
        'only slow jobs are on stderr',
      );
      const [state, ...more] = found.filter(({ message = '' }) => message.startsWith('state '));
      assert.is(more.length, 0, 'the long line is one again');
      assert.is(state!['message']!.length, LONG);
      say(`${SMALL} lines of stdout, ${errors.length} of stderr, and one line of ${LONG} bytes that Docker had split`);
    },
  );

  must(
    'bring files: lines of JSON as fields, a stack trace with its line',
    { say: 'An order service in Python logs to a file: lines of JSON, and a stack trace where an order fails.' },
    async ({ project, port, say }) => {
      const store = openStore(port);
      const from = reserve('order', SMALL);
      await takeOrders(project, from, SMALL);
      const search = { service: 'orders' };
      complete(await arrived(store, search, ['order'], { numbers: range(from, SMALL), number: field('order') }));
      const fields = ['message', 'order', 'log.level', 'error.stack_trace', 'log.file.path', 'labels.stack'];
      const [failed] = await store.find({ ...search, phrase: 'order 1000 failed' }, fields);
      assert.is(failed!['log.level'], 'error');
      assert.is(failed!['order'], '1000');
      assert.match(failed!['error.stack_trace']!, /^Traceback[^]*OutOfStock: order 1000: nothing left in aisle \d+$/);
      assert.is(failed!['labels.stack'], 'logs');
      assert.match(failed!['log.file.path']!, /^\/logs\/orders\.log/);
      say(`order 1000 failed, its trace of ${failed!['error.stack_trace']!.split('\n').length} lines is a field of it`);
    },
  );

  must(
    'let no secret leave the pod that a rule redacts',
    { say: 'Each order has its payment token in its line. A rule of the sidecar keeps it in the pod.' },
    async ({ project, port }) => {
      const written = await project.exec('orders', ['grep', '-c', 'token=tk-', '/var/log/orders/orders.log']);
      assert.ok(Number(written) > 0, 'the app writes tokens');
      const found = await openStore(port).find({ service: 'orders' }, ['message']);
      assert.ok(found.length >= SMALL);
      assert.is(found.filter(({ message = '' }) => message.includes('tk-')).length, 0);
      assert.ok(found.some(({ message = '' }) => message.endsWith('token=[redacted]')));
    },
  );

  must(
    "mount the app's logs read-only and write nothing there",
    { say: 'The volume is mounted read-only in the sidecar.' },
    async ({ project }) => {
      for (const service of ['orders-logs', 'ledger-logs', 'web-logs', 'many-logs']) {
        const { Mounts } = await project.inspect(service);
        assert.is(Mounts.find(({ Destination }) => Destination === '/logs')?.RW, false, service);
        const refused = await project.exec(service, ['bash', '-c', 'echo > /logs/mark']).then(
          () => 'written',
          (error: EngineError) => error.stderr.join(' '),
        );
        assert.match(refused, /Read-only file system/);
      }
      const names = await project.exec('orders', ['ls', '-A', '/var/log/orders']);
      assert.equal(
        names.split('\n').filter((name) => !/^orders\.log(\.\d+)?$/.test(name)),
        [],
      );
    },
  );

  must(
    'get over lines that are not UTF-8, 5 MB long or empty, a million of these',
    {
      say: 'Odd lines: bytes that are no text, five megabytes in one, a million empty ones. What comes after them arrives.',
    },
    async ({ project, port, say }) => {
      const store = openStore(port);
      await python(
        project,
        `
with open("/var/log/orders/odd.log", "wb") as out:
    out.write(b"2026-11-21 10:00:00 INFO odd latin1 caf\\xe9 and \\xff\\xfe\\n")
    out.write(b"2026-11-21 10:00:00 INFO odd " + b"x" * 5_000_000 + b"\\n")
    out.write(b"\\n" * 1_000_000)
    out.write(b"2026-11-21 10:00:00 INFO odd last\\r\\n")
`,
      );
      const fields = ['message', 'log.flags'];
      const found = await eventually(
        'the last is there',
        async () => {
          const all = await store.find({ service: 'orders', phrase: 'odd' }, fields);
          return all.some(({ message }) => message?.endsWith('odd last')) && all;
        },
        { within: 60_000 },
      );
      assert.is(found.length, 3, 'empty lines are none');
      const long = found.find(({ message = '' }) => message.includes('odd xxx'))!;
      assert.match(long['log.flags']!, /truncated/);
      assert.is(long['message']!.length, 128 * 1024, 'cut at its limit');
      const foreign = found.find(({ message = '' }) => message.includes('latin1'))!;
      assert.match(foreign['log.flags']!, /not-utf8/);
      assert.is(foreign['message'], '2026-11-21 10:00:00 INFO odd latin1 caf\u00e9 and \u00ff\u00fe');
      say(
        `cut at ${long['message']!.length} bytes and marked ${long['log.flags']}; taken as Latin-1: ${foreign['message']}`,
      );
    },
  );

  must('show the logs on a page', { say: 'The store has a page to look at logs.' }, async ({ port, say }) => {
    const { page } = openStore(port);
    const answer = await fetch(page);
    assert.is(answer.status, 200);
    const html = await answer.text();
    assert.match(html, /<html/);
    // The page is as good as the answers to what it asks.
    const asked = /fetch\('([^']+)', \{ method: 'POST'/.exec(html)?.[1];
    assert.ok(asked, 'the page asks the store');
    const query = '_time:1h service.name:orders "order 1000 failed" | sort by (_time desc, log.offset desc) limit 200';
    const found = await fetch(new URL(asked, page), { method: 'POST', body: new URLSearchParams({ query }) });
    assert.is(found.status, 200, asked);
    const lines = (await found.text()).split('\n').filter(Boolean);
    assert.is(lines.length, 1);
    const line = JSON.parse(lines[0]!) as Record<string, string>;
    for (const field of ['_time', '_msg', 'service.name', 'error.stack_trace'])
      assert.ok(html.includes(field) && line[field], `${field} is shown`);
    say(page);
  });
}
