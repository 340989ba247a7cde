/**
 * Many files at once under logrotate, in each of its modes, into the store that honours ids. A few in a run of all
 * stacks; MANY_FILES=300 MANY_RATE=20000 npm run stack:logs is the large one.
 */
import * as assert from 'uvu/assert';
import type { Project } from '../../../scripts/lib/compose.ts';
import { eventually } from '#kit/testing/eventually.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { metric } from '../../../scripts/lib/admin.ts';
import { openFaulty, type Faulty } from '../lib/faulty.ts';
import { manyFiles, rotateMany, writeMany } from '../lib/inside.ts';
import { reserve } from '../lib/numbers.ts';

const FILES = Number(process.env['MANY_FILES'] || 30);
/** Lines a second, over all files. */
const RATE = Number(process.env['MANY_RATE'] || 4000);
const SECONDS = 3;
const COUNT = RATE * SECONDS;
const MODES = [
  'copytruncate compress',
  'copytruncate compress delaycompress',
  'nocreate compress',
  'nocreate compress delaycompress',
];

/** A line as the program writes it, with its newline. */
const bytesOf = (number: number): number => `{"message":"line ${number} of many","many":${number}}\n`.length;

export function many({ must }: Scenario): void {
  must(
    'lose and duplicate nothing when logrotate rotates many files, in each of its modes',
    {
      say: `logrotate again, on ${FILES} files: it renames or copies and truncates, and compresses, at once or later.`,
      within: 900_000,
    },
    async ({ project, port, say }) => {
      const faulty = openFaulty(port);
      const { created } = await faulty.counts();
      const first = reserve('many', COUNT * MODES.length);
      // Each line that is left, and the file that holds it.
      const left = new Map<number, string>();
      for (const [index, mode] of MODES.entries()) {
        const found = await writeAndRotate(project, index, mode, first + index * COUNT);
        for (const [number, file] of found) left.set(number, file);
        if (mode.startsWith('nocreate')) assert.is(found.size, COUNT, `${mode}: each line is in a file`);
      }
      await eventually(
        'as many lines as are left are in the store',
        async () => (await faulty.counts()).created - created >= left.size && (await lag(project)) === 0,
        { within: 300_000, every: 500 },
      ).catch(() => say('not all of them came in time'));
      const { times, disordered } = await stored(faulty, created);
      const missing = [...left.keys()].filter((number) => !times.has(number));
      const twice = [...times].flatMap(([number, count]) => (count > 1 ? [number] : []));
      const reported = async (numbers: readonly number[]): Promise<string> =>
        report(
          numbers.map((number) => ({ number, file: left.get(number) ?? '?' })),
          await project.logs('many-logs', 'all'),
        );
      assert.is(missing.length, 0, `${missing.length} are in files and not in the store:\n${await reported(missing)}`);
      assert.is(twice.length, 0, `${twice.length} are there twice:\n${await reported(twice)}`);
      // What is nowhere was written between a copy and its truncation. Of that, what was seen is counted, and no more.
      const gone = Array.from({ length: COUNT * MODES.length }, (_, at) => first + at).filter(
        (number) => !times.has(number),
      );
      assert.ok(
        gone.every((number) => number < first + 2 * COUNT),
        'lines are gone in the modes of copytruncate alone',
      );
      const lost = await metric(project, 'many-logs', 'shipper_lost_bytes_total');
      const most = gone.reduce((sum, number) => sum + bytesOf(number), 0);
      assert.ok(lost <= most, `${lost} bytes are counted as lost, and logrotate lost ${most}`);
      // Its memory is small.
      await faulty.clear();
      say(
        `${times.size} lines in ${FILES} files, ${MODES.length} modes: 0 missing, 0 twice, ${disordered} out of order; ` +
          `logrotate itself lost ${gone.length} lines, of whose ${most} bytes ${lost} were seen and are counted`,
      );
    },
  );
}

/** How many files a report shows, and how many lines of the log for each. */
const SHOWN = 5;

/** Lines that are wrong, by file, and what the shipper said of that file and of its names after a rotation. */
function report(wrong: readonly { number: number; file: string }[], log: string): string {
  const byFile = Map.groupBy(wrong, ({ file }) => file);
  const said = log.split('\n');
  return [...byFile]
    .slice(0, SHOWN)
    .flatMap(([file, lines]) => {
      const name = file.replace(/\.log.*$/, '.log').replace(/^.*\/many\//, '/many/');
      const known = said.filter((line) => line.includes(`${name}"`) || line.includes(`${name}.`)).slice(-SHOWN);
      const numbers = lines.slice(0, SHOWN).map(({ number }) => number);
      return [`${file}: ${lines.length} lines, ${numbers.join(', ')} …`, ...known.map((line) => `  ${line}`)];
    })
    .join('\n');
}

/** One mode: a number of lines, rotated twice meanwhile. @returns the numbers that are in any of the files then, with the file */
async function writeAndRotate(
  project: Project,
  index: number,
  mode: string,
  from: number,
): Promise<Map<number, string>> {
  const to = manyFiles(index);
  let ended = false;
  const writing = writeMany(project, { to, from, count: COUNT, rate: RATE, files: FILES }).finally(
    () => (ended = true),
  );
  for (let turn = 0; turn < 2; turn++) {
    const before = Math.max(await writtenBy(project), from);
    await eventually('it writes', async () => ended || (await writtenBy(project)) > before + RATE / 2, {
      within: 60_000,
    });
    await rotateMany(project, to, mode);
  }
  await writing;
  const command = `for file in ${to}/*; do zcat -f "$file" | grep -aoE '"many":[0-9]+' | sed "s|.*:|$file |"; done`;
  const text = await project.exec('web', ['bash', '-c', command], { timeoutMs: 60_000 });
  return new Map(
    text
      .trim()
      .split('\n')
      .map((line) => line.split(' '))
      .map(([file, number]) => [Number(number), file!]),
  );
}

/** How often each number is in the store, and how many lines came behind a later one of their file. */
async function stored(faulty: Faulty, after: number): Promise<{ times: Map<number, number>; disordered: number }> {
  const times = new Map<number, number>();
  const last = new Map<string, number>();
  let disordered = 0;
  for (const { body } of await faulty.documents(after)) {
    const { many: number, 'log.file.path': file } = JSON.parse(body) as { many?: number; 'log.file.path': string };
    if (number === undefined) continue;
    times.set(number, (times.get(number) ?? 0) + 1);
    if ((last.get(file) ?? 0) > number) disordered += 1;
    last.set(file, number);
  }
  return { times, disordered };
}

/** The last number that was written, roughly. */
const writtenBy = async (project: Project): Promise<number> =>
  Number(await project.exec('web', ['bash', '-c', 'cat /tmp/many-written 2>/dev/null || echo 0']));

const lag = (project: Project): Promise<number> => metric(project, 'many-logs', 'shipper_file_lag_bytes');
