/** What is not translated is found: words of the page, lessons, and the quiz. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { slidesIn } from '../course/slides.ts';
import { quiz, readQuiz } from '../course/quiz.ts';
import { lessonIn, loadExercise, places } from '../lessons/exercise.ts';
import { LANGUAGES, type Language } from './languages.ts';
import { TERMINAL_WORDS } from './terminal/words.ts';
import { WORDS } from './words.ts';

const OTHERS = (Object.keys(LANGUAGES) as Language[]).filter((each) => each !== 'en');

/** Words that are the same in another language: they are its own words, too, or names. */
const SAME: Readonly<Record<string, readonly string[]>> = {
  de: ['workshop', 'pods', 'simulator', 'live', 'quiz', 'log', 'name', 'liveRestore', 'said.recreated'],
  es: ['pods', 'no', 'liveRestore', 'said.recreated', 'roles.pod', 'roles.sidecar'],
};

/** What each key says; of a function, what it says of 2 and of names. */
function said(value: unknown, key = ''): [string, string][] {
  if (typeof value === 'string') return [[key, value]];
  if (typeof value === 'function') return [[key, String((value as (...all: unknown[]) => unknown)(2, 3, 4, 5))]];
  return Object.entries(value as object).flatMap(([name, each]) => said(each, key === '' ? name : `${key}.${name}`));
}

const code = (markdown: string): string[] =>
  markdown.match(/```sh\n[^]*?```/g)?.map((each) => each.replace(/^ +/gm, '')) ?? [];
/** Names of files, variables and commands: they stay what they are. */
const names = (markdown: string): string[] =>
  [...new Set([...markdown.matchAll(/`([^`\s]+)`/g)].map(([, name]) => name!))].toSorted();
const items = (markdown: string): number => markdown.match(/^(?:\d+\.|-) /gm)?.length ?? 0;

for (const language of OTHERS) {
  test(`${language}: every word of the page is translated`, () => {
    const english = new Map(said(WORDS.en));
    const other = said(WORDS[language]);
    assert.equal(other.map(([key]) => key).toSorted(), [...english.keys()].toSorted());
    const same = other.filter(([key, text]) => english.get(key) === text).map(([key]) => key);
    assert.equal(same.toSorted(), SAME[language]!.toSorted());
  });

  test(`${language}: every sentence of the terminal is translated`, () => {
    const english = new Map(said(TERMINAL_WORDS.en));
    const other = said(TERMINAL_WORDS[language]);
    assert.equal(other.map(([key]) => key).toSorted(), [...english.keys()].toSorted());
    assert.equal(
      other.filter(([key, text]) => english.get(key) === text),
      [],
    );
  });

  for (const place of places())
    test(`${language}: the lesson of ${place.name} has every part, every command and every check`, async () => {
      const file = join(place.dir, `README.${language}.md`);
      assert.ok(existsSync(file), `${file} is missing`);
      const there = lessonIn(place, language);
      const { lesson } = place;
      for (const part of ['goal', 'steps', 'recap'] as const) {
        assert.is(items(there[part]), items(lesson[part]), `items of ${part}`);
        assert.is.not(there[part], lesson[part]);
      }
      assert.is(there.hints.length, lesson.hints.length, 'hints');
      const uncommented = lesson.steps.replace(/^ *<!--.*-->\n/gm, '');
      assert.equal(code(there.steps), code(uncommented));
      assert.equal(names(there.steps), names(uncommented));
      const { checks } = await loadExercise(place);
      assert.is(there.checks.length, checks.length, 'checks');
      for (const [index, { must }] of checks.entries()) assert.is.not(there.checks[index], must);
    });

  test(`${language}: every question of the quiz is asked, with every option and why`, () => {
    const there = parse(readFileSync(join(import.meta.dirname, `../course/quiz.${language}.yaml`), 'utf8')) as {
      id: string;
      options: object[];
    }[];
    assert.equal(
      there.map(({ id }) => id),
      quiz().map(({ id }) => id),
    );
    for (const [at, question] of quiz(language).entries()) {
      const english = quiz()[at]!;
      assert.is(there[at]!.options.length, english.options.length, question.id);
      assert.is.not(question.ask, english.ask);
      for (const [index, { text, right, why }] of question.options.entries()) {
        assert.is(right, english.options[index]!.right);
        assert.is.not(why, english.options[index]!.why, `${question.id}: ${text}`);
      }
    }
  });
}

const slides = (language: Language): string[] => slidesIn(language).split(/^---$/m);
/** The exercises that a slide speaks of: `(4)` behind a line, and those of its last line. */
const numbersOf = (slide: string): string[] =>
  [...slide.matchAll(/\((\d+)\)|(?<=^\*[^*\n]*)(\d+)/gm)].map(([number]) => number.replace(/\D/g, ''));

for (const language of OTHERS)
  test(`${language}: every slide is there, with its exercises, its items and its notes`, () => {
    const english = slides('en');
    const there = slides(language);
    assert.is(there.length, english.length);
    for (const [at, slide] of there.entries()) {
      assert.equal(numbersOf(slide), numbersOf(english[at]!), slide);
      assert.is(items(slide), items(english[at]!), slide);
      assert.is.not(slide, english[at]);
      for (const one of [slide, english[at]!]) assert.match(one, /\n\nNotes: [^\n]/);
    }
  });

test('the slides speak of every exercise', () => {
  const numbers = new Set(slides('en').flatMap(numbersOf));
  assert.equal(
    places()
      .filter(({ number }) => !numbers.has(String(Number(number))))
      .map(({ name }) => name),
    [],
  );
});

test('a question that a translation leaves out stays as it is', () => {
  const text = '[{ id: a, goal: define, ask: Why?, options: [{ text: x, right: true, why: y }, { text: z, why: w }] }]';
  assert.equal(readQuiz(text, 'de', '[]'), readQuiz(text));
});

test.run();
