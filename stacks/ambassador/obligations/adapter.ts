/** Two databases as everything else shows itself: metrics, slow logs, health. */
import * as assert from 'uvu/assert';
import type { Driver } from '../../../scripts/lib/driver.ts';
import type { Scenario, Stage } from '../../../scripts/scenario/scenario.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { request } from '#kit/net/http-client.ts';
import { Comparison, readExposition, type Exposition } from '../lib/exposition.ts';

/** Of an obligation, longer than any wait in it: what was waited for is then told. */
const WITHIN = 240_000;

/** A database, its adapter and its exporter. */
interface Watched {
  readonly service: string;
  readonly prefix: string;
  readonly adapter: string;
  readonly exporter: string;
  /** What the exporter tells and the adapter does not; the adapter's README says why. */
  readonly leftOut: RegExp;
  /** The database's process. */
  readonly process: string;
}

const CACHE: Watched = {
  service: 'cache',
  prefix: 'redis_',
  adapter: 'CACHE_ADAPTER',
  exporter: 'CACHE_EXPORTER',
  leftOut:
    /^redis_(?:exporter_build_info|exporter_last_scrape_connect_time_seconds|target_scrape_request_errors_total|last_key_groups_scrape_duration_milliseconds)$/,
  process: 'valkey-server',
};
const ORDERS: Watched = {
  service: 'orders',
  prefix: 'mysql_',
  adapter: 'ORDERS_ADAPTER',
  exporter: 'ORDERS_EXPORTER',
  leftOut: /^$/,
  process: 'mariadbd',
};

const text = async (port: number, path = '/metrics'): Promise<string> =>
  String((await request(`http://127.0.0.1:${port}${path}`, { timeout: 30_000 })).body);

const cli = (project: Driver, ...command: string[]): Promise<string> =>
  project.exec('cache', ['valkey-cli', ...command]);
const sql = (project: Driver, statement: string): Promise<string> =>
  project.exec('orders', ['mariadb', '--socket=/tmp/mysqld.sock', '--batch', '--skip-column-names', '-e', statement]);

/** Wait until the adapter says that the database is up or down, and that it is ready or not. */
async function shows({ port, signal }: Stage, { adapter, prefix }: Watched, up: boolean): Promise<string> {
  const line = new RegExp(`^${prefix}up ${up ? 1 : 0}$`, 'm');
  const seen = await eventually(
    `${prefix}up is ${up ? 1 : 0}`,
    async () => {
      const metrics = await text(port(adapter));
      return line.test(metrics) && metrics;
    },
    { signal },
  );
  await eventually(
    `${adapter} is ${up ? '' : 'not '}ready`,
    async () => {
      const { status } = await request(`http://127.0.0.1:${port(adapter)}/readyz`, { timeout: 30_000 });
      return status === (up ? 200 : 503);
    },
    { signal },
  );
  return seen;
}

/** A database that is down has no values: none of before, none of zero. */
function tellsNothing(metrics: string, { prefix }: Watched): void {
  const names = [...metrics.matchAll(/^([a-z]\w*)[{ ]/gm)].map(([, name]) => name!);
  const told = names.filter((name) => name.startsWith(prefix) && !name.startsWith(`${prefix}exporter_`));
  assert.equal(told, [`${prefix}up`]);
}

async function compare({ port, signal, say }: Stage, watched: Watched): Promise<void> {
  const belongs = (name: string): boolean => name.startsWith(watched.prefix) && !watched.leftOut.test(name);
  const look = async (name: string): Promise<Exposition> => readExposition(await text(port(name)), belongs);
  const comparison = new Comparison();
  let faults: string[] = [];
  let size = 0;
  const compared = async (): Promise<boolean> => {
    const before = await look(watched.adapter);
    const theirs = await look(watched.exporter);
    faults = comparison.add(before, theirs, await look(watched.adapter));
    size = theirs.values.size;
    const differing = comparison.differing();
    if (faults.length + differing.length === 0) return true;
    throw new Error(`${faults.slice(0, 10).join('\n')}\nvalues differ: ${differing.slice(0, 10).join('\n')}`);
  };
  await eventually('both tell the same', compared, { every: 200, signal });
  assert.ok(size > 300, `the exporter told of ${size} series`);
  say(`${size} series of ${watched.exporter.toLowerCase()}, each told by the adapter too`);
}

export function adapterObligations({ must }: Scenario): void {
  must(
    'tell of Valkey what its exporter tells, metric by metric',
    {
      say: 'The adapter beside a Valkey speaks as prometheus-redis-exporter does: same names, labels, values.',
      within: WITHIN,
    },
    async (stage) => {
      await shows(stage, CACHE, true);
      for (const command of [
        ['SET', 'basket:1', 'x', 'EX', '9999'],
        ['GET', 'basket:1'],
        ['LPUSH', 'queue', 'a'],
        ['HSET', 'h'],
      ])
        await cli(stage.project, ...command);
      await compare(stage, CACHE);
    },
  );

  must(
    'tell of MariaDB what its exporter tells, metric by metric',
    { say: 'And beside a MariaDB as prometheus-mysqld-exporter does.', within: WITHIN },
    async (stage) => {
      await shows(stage, ORDERS, true);
      await sql(stage.project, "INSERT INTO shop.orders (product) VALUES ('teapot')");
      await compare(stage, ORDERS);
    },
  );

  must(
    'write the slow logs of both as JSON lines, without the values in them',
    { say: 'What was slow is a JSON line on standard output, with its values left out.', within: WITHIN },
    async ({ project, signal }) => {
      const cases: [adapter: string, slow: () => Promise<string>, line: RegExp][] = [
        [
          'cache-adapter',
          () => cli(project, 'EVAL', 'for i = 1, 2e7 do end return ARGV[1]', '0', 'hunter2'),
          /"slow":\{"id":\d+,.*"command":"EVAL","arguments":3/,
        ],
        [
          'orders-adapter',
          () => sql(project, "SELECT SLEEP(0.7), 'hunter2' AS secret"),
          /"slow":\{.*"query":"SELECT SLEEP\(\?\), \? AS secret"/,
        ],
      ];
      for (const [adapter, slow, line] of cases) {
        const id = await project.id(adapter);
        const log = (): Promise<string> => project.logs(id, 'all');
        // What is in a slow log at the first look counts as told: on a busy machine, that may be ours.
        const written = async (): Promise<boolean> => {
          await slow();
          return await eventually(`${adapter} writes`, async () => line.test(await log()), {
            within: 10_000,
            every: 300,
          });
        };
        await eventually(`${adapter} writes ${line.source}`, written, { signal });
        assert.not.match(await log(), 'hunter2');
      }
    },
  );

  for (const watched of [CACHE, ORDERS]) {
    must(
      `say ${watched.service} down within its timeout, show none of its values, and recover alone`,
      {
        say: `The database ${watched.service} stops answering, is killed, and comes back; a scrape never hangs.`,
        within: WITHIN,
      },
      async (stage) => {
        const { project } = stage;
        const signalTo = (signal: string): Promise<string> =>
          project.exec(watched.service, ['sh', '-c', `kill -${signal} $(pidof ${watched.process})`]);
        await shows(stage, watched, true);
        await signalTo('STOP');
        try {
          tellsNothing(await shows(stage, watched, false), watched);
        } finally {
          await signalTo('CONT');
        }
        await shows(stage, watched, true);
        await project.kill(watched.service);
        try {
          tellsNothing(await shows(stage, watched, false), watched);
        } finally {
          await project.launch(watched.service);
        }
        await shows(stage, watched, true);
      },
    );
  }

  must(
    'answer while a script holds Valkey and while a lock holds MariaDB',
    {
      say: 'A script that does not end, a lock on every table: the adapter answers, with 0 or with what is so.',
      within: WITHIN,
    },
    async (stage) => {
      const { project, signal } = stage;
      await cli(project, 'CONFIG', 'SET', 'busy-reply-threshold', '100');
      const script = cli(project, 'EVAL', 'while true do end', '0').catch(() => '');
      tellsNothing(await shows(stage, CACHE, false), CACHE);
      await eventually('the script ends', async () => /OK/.test(await cli(project, 'SCRIPT', 'KILL')), { signal });
      await script;
      await shows(stage, CACHE, true);

      const lock = sql(project, 'FLUSH TABLES WITH READ LOCK; SELECT SLEEP(600)').catch(() => '');
      const held = "SELECT id FROM information_schema.processlist WHERE info = 'SELECT SLEEP(600)'";
      const id = await eventually('the lock is held', async () => /\d+/.exec(await sql(project, held))?.[0], {
        signal,
      });
      const metrics = await shows(stage, ORDERS, true);
      assert.match(metrics, /^mysql_global_status_threads_connected [1-9]/m);
      await sql(project, `KILL ${id}`);
      await lock;
      await shows(stage, ORDERS, true);
    },
  );
}
