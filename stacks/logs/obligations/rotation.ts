/** Rotation under load: by the app itself, by logrotate's rename, by its copytruncate. */
import * as assert from 'uvu/assert';
import type { Project } from '../../../scripts/lib/compose.ts';
import { eventually } from '#kit/testing/eventually.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { arrived, complete, field, inMessage } from '../lib/arrivals.ts';
import { browse, rotate, takeOrders } from '../lib/inside.ts';
import { reserve } from '../lib/numbers.ts';
import { range } from '../lib/sequence.ts';
import { openStore } from '../lib/store.ts';

const LOAD = 100_000;
/** Numbers that one round of clients uses at most, and how long it takes. */
const ROUND = 1_000_000;
const SECONDS = 4;
/** logrotate keeps 14: on a busy machine, which needs many rounds, nothing may be removed before it is counted. */
const ROTATIONS = 12;
const ITEM = /"GET \/\?item=(\d+) /;

export function rotation({ must }: Scenario): void {
  must(
    'lose nothing when the app rotates its own file under load',
    { say: 'A hundred thousand orders. The app rotates its file every four megabytes.', within: 360_000 },
    async ({ project, port, say }) => {
      const from = reserve('order', LOAD);
      const since = new Date(Date.now() - 2000);
      const before = await files(project, 'orders', 'orders.log');
      await takeOrders(project, from, LOAD);
      const rotations = (await files(project, 'orders', 'orders.log')) - before;
      assert.ok(rotations >= 3, `${rotations} rotations`);
      const counted = await arrived(openStore(port), { service: 'orders', since }, ['order'], {
        numbers: range(from, LOAD),
        within: 240_000,
        number: field('order'),
      });
      complete(counted);
      say(`${counted.distinct} of ${LOAD} lines over ${rotations} rotations, ${counted.repeated} twice`);
    },
  );

  must(
    'lose nothing when logrotate renames under load',
    {
      say: 'nginx as Debian ships it, and its logrotate: the file is renamed and nginx is told to open another.',
      within: 360_000,
    },
    async ({ project, port, say }) => {
      const since = new Date(Date.now() - 2000);
      const { from, answered, rotations } = await browseAndRotate(project, 'rename');
      const numbers = await inFiles(project, from);
      assert.ok(numbers.size >= answered, `${numbers.size} of ${answered} requests are in the files`);
      const counted = await arrived(openStore(port), { service: 'web', since }, ['message'], webLines(numbers));
      complete(counted);
      say(
        `${counted.distinct} lines over ${rotations} rotations, ${counted.missingCount} missing, ${counted.repeated} twice`,
      );
    },
  );

  must(
    'lose nothing of its own when logrotate copies and truncates under load',
    {
      say: 'copytruncate loses what is written between its copy and its truncation, no matter who reads. What it leaves arrives.',
      within: 360_000,
    },
    async ({ project, port, say }) => {
      const store = openStore(port);
      const since = new Date(Date.now() - 2000);
      const { from, answered } = await browseAndRotate(project, 'copytruncate');
      const numbers = await inFiles(project, from);
      const counted = await arrived(store, { service: 'web', since }, ['message'], webLines(numbers));
      complete(counted);
      const found = await store.find({ service: 'web', since }, ['message']);
      assert.is(found.filter(({ message = '' }) => message.includes('\0')).length, 0, 'no NUL bytes');
      const lost = Math.max(0, answered - numbers.size);
      say(`${numbers.size} lines are left in the files and all in the store; copytruncate itself lost ${lost}`);
    },
  );
}

/** Load in rounds until enough was asked for; each is rotated away in the middle, two at least, `ROTATIONS` at most. */
async function browseAndRotate(
  project: Project,
  mode: 'rename' | 'copytruncate',
): Promise<{ from: number; answered: number; rotations: number }> {
  const from = reserve('item', ROUND);
  let answered = 0;
  let rotations = 0;
  while ((answered < LOAD && rotations < ROTATIONS) || rotations < 2) {
    const before = await accessLines(project);
    let ended = false;
    const load = browse(project, rotations === 0 ? from : reserve('item', ROUND), SECONDS).finally(
      () => (ended = true),
    );
    // On a busy machine a round may be over before: the next one counts, too.
    await eventually('the load runs', async () => ended || (await accessLines(project)) > before + 1000, {
      within: 60_000,
    });
    await rotate(project, mode);
    rotations += 1;
    answered += requestsOf(await load);
  }
  return { from, answered, rotations };
}

/** How many requests wrk had answered: each is a line, and some more may be that were on their way. */
const requestsOf = (output: string): number => Number(/(\d+) requests in/.exec(output)![1]);

/** How many lines nginx has written that are still there. */
const accessLines = async (project: Project): Promise<number> =>
  Number(await project.exec('web', ['bash', '-c', `${ALL_LINES} | wc -l`]));

/** The items from a number on that are in any of nginx's files now. */
async function inFiles(project: Project, from: number): Promise<Set<number>> {
  const text = await project.exec('web', ['bash', '-c', `${ALL_LINES} | grep -aoE "item=[0-9]+"`]);
  const numbers = text.split('\n').map((each) => Number(each.slice('item='.length)));
  return new Set(numbers.filter((number) => number >= from));
}

/** Compressed files too. */
const ALL_LINES = 'for f in /var/log/nginx/access.log*; do [[ $f == *.gz ]] && zcat $f || cat $f; done';

const webLines = (numbers: ReadonlySet<number>) => ({ numbers, within: 180_000, number: inMessage(ITEM) });

/** How many files of a name there are, rotated ones too. */
const files = async (project: Project, service: string, name: string): Promise<number> =>
  (await project.exec(service, ['bash', '-c', `ls -d /var/log/orders/${name}*`])).split('\n').length;
