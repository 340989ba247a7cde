import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { commandBlocks } from '../../scripts/test/readme-blocks.ts';
import { textLines } from '../commands/commands.ts';
import { findPlace, loadExercise, places, UnknownExercise, variants, WORKSHOP } from './exercise.ts';
import { parseLesson, unindented } from './lesson.ts';
import { RUN_AT_START, RUN_WHEN_SOLVED } from '../commands/verify.ts';

const LESSON = `# 7 · A title

*15 minutes · build, decide*

## Goal

The goal.

## Steps

1. One step.

## Hints

1. First,
   in two lines.
2. Second.

## Recap

- What was learned.

## In an interview

What can be said,
in two lines.
`;

test('a lesson is read', () => {
  assert.equal(parseLesson(LESSON), {
    title: 'A title',
    minutes: 15,
    goals: ['build', 'decide'],
    goal: 'The goal.',
    steps: '1. One step.',
    hints: ['First,\nin two lines.', 'Second.'],
    recap: '- What was learned.',
    interview: 'What can be said, in two lines.',
  });
});

test('what a lesson lacks is named', () => {
  assert.throws(() => parseLesson(LESSON.replace('## Recap', '## End')), /section ## Recap/);
  assert.throws(() => parseLesson(LESSON.replace('*15 minutes · build, decide*', '')), /N minutes/);
  assert.throws(() => parseLesson(LESSON.replace('decide', 'win')), /win is no goal/);
});

test('exercises are found by number and by name', () => {
  const all = places();
  assert.ok(all.length >= 12, `${all.length} exercises`);
  for (const wanted of ['2', '02', '02-https', 'https']) assert.is(findPlace(wanted, all).name, '02-https');
  assert.throws(
    () => findPlace('99', all),
    (error: unknown) => error instanceof UnknownExercise,
  );
});

for (const place of places()) {
  test(`${place.name} has hints, two solutions and something that only looks like one`, () => {
    assert.ok(place.lesson.hints.length >= 2);
    assert.ok(variants(place, 'solution').includes('solution'));
    assert.ok(variants(place, 'solution').length >= 2);
    assert.ok(variants(place, 'fake').length >= 1);
  });

  test(`every command that ${place.name} prints is run by verify`, () => {
    const markdown = readFileSync(join(place.dir, 'README.md'), 'utf8');
    assert.is((markdown.match(/```sh/g) ?? []).length, commandBlocks(unindented(markdown)).length);
    for (const { how, why, line } of commandBlocks(unindented(markdown)))
      if (how !== 'run') assert.ok([RUN_AT_START, RUN_WHEN_SOLVED].includes(why), `line ${line}: ${why}`);
  });

  test(`${place.name} fits a terminal of 80 columns`, () => {
    const { goal, steps, recap, hints } = place.lesson;
    for (const line of [goal, steps, recap, ...hints].flatMap(textLines))
      if (!/^\s*(docker|curl|node|npm|seq) /.test(line)) assert.ok(line.length <= 80, line);
  });
}

test('the README names the exercises that need no engine', async () => {
  const loaded = await Promise.all(
    places().map(async (place) => [Number(place.number), await loadExercise(place)] as const),
  );
  const without = loaded.filter(([, { runs, written }]) => !runs || written).map(([number]) => number);
  const sentence = `Exercises ${without.slice(0, -1).join(', ')} and ${without.at(-1)} need no container engine`;
  assert.ok(readFileSync(join(WORKSHOP, 'README.md'), 'utf8').includes(sentence), sentence);
});

test('a terminal shows code without fences, and fills a paragraph that the file breaks', () => {
  assert.equal(textLines('1. One\n   two.\n\n   <!-- covered: x -->\n   ```sh\n   docker ps\n   ```\n\n2. Three'), [
    '1. One two.',
    '',
    '   docker ps',
    '',
    '2. Three',
  ]);
});

test.run();
