/** What README.md, NOTES.md and the help of the package say of the exercises is what the lessons say. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { workshopCommand } from '../../tools/workshop/command.ts';
import { loadExercise, places, WORKSHOP } from '../lessons/exercise.ts';

const read = (name: string): string => readFileSync(join(WORKSHOP, name), 'utf8');
const rows = (markdown: string, heading: string): string[][] => {
  const start = markdown.indexOf(heading);
  const table = markdown.slice(start).split('\n\n')[0]!;
  return table
    .split('\n')
    .slice(2)
    .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '')));
};
const minutesOf = new Map(places().map(({ number, lesson }) => [Number(number), lesson.minutes]));
/** The exercises that a sentence names: `1, 9, 12, 13, 17 and 20`. */
const named = (sentence: RegExp, text: string): number[] =>
  (sentence.exec(text)?.[1] ?? '')
    .split(/\D+/)
    .filter((each) => each !== '')
    .map(Number);

test('the README lists every exercise with its minutes and goals', () => {
  assert.equal(
    rows(read('README.md'), '| Exercise | Minutes | Goals |').map(([link, ...others]) => [
      /\((.*)\/README\.md\)/.exec(link!)![1],
      ...others,
    ]),
    places().map(({ name, lesson }) => [name, String(lesson.minutes), lesson.goals.join(', ')]),
  );
});

test('the minutes of a path are the sum of its parts, and no exercise has less than it says', () => {
  const paths = rows(read('NOTES.md'), '| Path | Minutes | Exercises |');
  assert.ok(paths.length >= 5);
  const total = new Map(paths.map(([name, minutes]) => [name!.replace(/^a /, ''), Number(minutes)]));
  for (const [name, minutes, parts] of paths) {
    const own = [...parts!.matchAll(/\((\d+)\)/g)].reduce((sum, [, each]) => sum + Number(each), 0);
    const before = /^the (half day)/.test(parts!) ? total.get('half a day'.replace(/^a /, ''))! : 0;
    assert.is(own + before, Number(minutes), name);
    // The shortest path leaves something out, and says so.
    if (name === '45 minutes') continue;
    for (const [, number, given] of parts!.matchAll(/(?:^|, |lunch )(\d+)(?: in pairs)? \((\d+)\)/g))
      assert.ok(Number(given) >= minutesOf.get(Number(number))!, `${name}: exercise ${number}`);
  }
});

test('every exercise was walked through, with its minutes and what people trip over', () => {
  const notes = read('NOTES.md');
  assert.equal(
    rows(notes, '| Exercise | Printed |').map(([number, printed]) => [Number(number), Number(printed)]),
    [...minutesOf],
  );
  assert.equal(
    new Set(rows(notes, '| Exercise | What happens |').map(([number]) => Number(number))),
    new Set(minutesOf.keys()),
  );
});

/** Rows of every table, each as the numbers, links and code in it: what a translation leaves as it is. */
const facts = (markdown: string): string[][] =>
  markdown
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) => line.match(/\d+(?:\.\d+)?|`[^`]+`|\]\([^)]*\)/g) ?? []);
const shape = (markdown: string): string[] => [
  ...(markdown.match(/^(?:#+|-|\|) /gm) ?? []),
  ...(markdown.match(/```sh\n[^]*?```/g) ?? []),
];

for (const language of ['de', 'es'])
  for (const name of ['NOTES', 'READING'])
    test(`${language}: ${name} has every part, every row with its figures, and every command`, () => {
      const english = read(`${name}.md`);
      const there = read(`${name}.${language}.md`);
      assert.equal(shape(there), shape(english));
      assert.equal(facts(there), facts(english));
      const sentences = new Set(english.split('\n').filter((line) => /[a-z]{4}/.test(line)));
      const same = there.split('\n').filter((line) => sentences.has(line) && !/^(?:<!--|make|npm)/.test(line));
      assert.equal(same, []);
    });

test('the exercises that need no engine are the same everywhere', async () => {
  const all = await Promise.all(places().map(async (place) => ({ place, exercise: await loadExercise(place) })));
  const without = all
    .filter(({ exercise }) => !exercise.runs || exercise.written)
    .map(({ place }) => Number(place.number));
  assert.equal(named(/Exercises ([\d, and]+) need no container engine/, read('README.md')), without);
  assert.equal(named(/Exercises ([\d, and]+) check themselves without/, read('NOTES.md')), without);
  assert.equal(named(/Übungen ([\d, und]+) prüfen sich ohne Engine/, read('NOTES.de.md')), without);
  assert.equal(named(/ejercicios ([\d, y]+) se comprueban sin motor/, read('NOTES.es.md')), without);
  const help = workshopCommand.help([]).replaceAll('\n', ' ');
  assert.equal(named(/exercises; ([\d, and]+) need no container engine/, help), without);
});

test.run();
