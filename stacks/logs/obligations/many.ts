/** Hundreds of files at once under logrotate, in each of its modes, into the store that honours ids. */
import * as assert from 'uvu/assert';
import type { Project } from '../../../scripts/lib/compose.ts';
import { eventually } from '#kit/testing/eventually.ts';
import type { Scenario } from '../../../scripts/lib/scenario.ts';
import { metric } from '../../../scripts/lib/admin.ts';
import { openFaulty } from '../faulty.ts';
import { rotateMany, writeMany } from '../inside.ts';
import { reserve } from '../numbers.ts';
import { range } from '../sequence.ts';

const FILES = 300;
const RATE = 20_000;
const SECONDS = 3;
const MODES = [
  'copytruncate compress',
  'copytruncate compress delaycompress',
  'nocreate compress',
  'nocreate compress delaycompress',
];

export function many({ must }: Scenario): void {
  must(
    'lose nothing and store nothing twice when logrotate works on 300 files at 20,000 lines a second, in each of its modes',
    {
      say: 'logrotate again, on three hundred files: it renames or copies and truncates, and compresses, at once or later.',
      within: 240_000,
    },
    async ({ project, port, say }) => {
      const faulty = openFaulty(port);
      const { created } = await faulty.counts();
      const expected = new Set<number>();
      for (const mode of MODES) {
        const from = reserve('many', RATE * SECONDS);
        let ended = false;
        const writing = writeMany(project, { from, count: RATE * SECONDS, rate: RATE, files: FILES }).finally(
          () => (ended = true),
        );
        for (let turn = 0; turn < 2; turn++) {
          const before = await linesOf(project);
          await eventually('it writes', async () => ended || (await linesOf(project)) > before + RATE / 2, {
            within: 30_000,
          });
          await rotateMany(project, mode);
        }
        await writing;
        const left = await inFiles(project, from);
        for (const number of left) expected.add(number);
        if (mode.startsWith('nocreate')) assert.is(left.size, RATE * SECONDS, `${mode}: each line is in a file`);
      }
      await eventually(
        'all that is left is in the store',
        async () => (await faulty.counts()).created - created >= expected.size,
        { within: 90_000, every: 500 },
      );
      const stored = new Map<number, number>();
      const last = new Map<string, number>();
      let disordered = 0;
      for (const { body } of await faulty.documents(created)) {
        const document = JSON.parse(body) as { many?: number; 'log.file.path': string };
        if (document.many === undefined) continue;
        stored.set(document.many, (stored.get(document.many) ?? 0) + 1);
        const file = document['log.file.path'];
        if ((last.get(file) ?? 0) > document.many) disordered += 1;
        last.set(file, document.many);
      }
      const missing = [...expected].filter((number) => !stored.has(number));
      const twice = [...stored].filter(([, times]) => times > 1);
      assert.equal(missing.slice(0, 5), [], `${missing.length} are missing`);
      assert.equal(twice.slice(0, 5), [], `${twice.length} are there twice`);
      assert.is(disordered, 0, 'each file in order');
      const known = range(1, RATE * SECONDS * MODES.length);
      assert.ok([...stored.keys()].every((number) => known.has(number)));
      const lost = await metric(project, 'many-logs', 'shipper_lost_bytes_total');
      assert.is(lost, 0, `${lost} bytes are counted as lost`);
      // Its memory is small.
      await faulty.clear();
      say(`${expected.size} lines in ${FILES} files, ${MODES.length} modes: 0 missing, 0 twice`);
    },
  );
}

const CONTENT = 'cd /var/log/nginx/many && (zcat -f *)';

/** The last number that was written, roughly. */
const linesOf = async (project: Project): Promise<number> =>
  Number(await project.exec('web', ['bash', '-c', 'cat /tmp/many-written 2>/dev/null || echo 0']));

/** The numbers from one on that are in any of the files now. */
async function inFiles(project: Project, from: number): Promise<Set<number>> {
  const text = await project.exec('web', ['bash', '-c', `${CONTENT} | grep -aoE '"many":[0-9]+'`], {
    timeoutMs: 60_000,
  });
  const numbers = text.split('\n').map((each) => Number(each.slice('"many":'.length)));
  return new Set(numbers.filter((number) => number >= from));
}
