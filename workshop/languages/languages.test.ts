/** What is not translated is found: words of the page, lessons, and the quiz. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { slidesIn } from '../course/slides.ts';
import { quiz, readQuiz } from '../course/quiz.ts';
import { lessonIn, loadExercise, places, WORKSHOP } from '../lessons/exercise.ts';
import { HELP } from '../commands/help.ts';
import { why as usage } from '../commands/why.ts';
import { why as common } from '../lessons/why.ts';
import { LANGUAGES, type Language } from './languages.ts';
import { quoted, reasons, type Sentence } from './reasons.ts';
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

interface Catalogue {
  readonly sentences: Readonly<Record<string, Sentence>>;
  /** Of the files that say them. */
  readonly source: string;
}

const source = (...names: string[]): string => names.map((name) => readFileSync(join(WORKSHOP, name), 'utf8')).join('');

/** Why checks are red: what all exercises say, and each its own. */
const catalogues = new Map<string, Catalogue>([
  [
    'lessons',
    {
      sentences: common.sentences,
      source: source(
        'lessons/exercise.ts',
        'lessons/session.ts',
        'lessons/versions.ts',
        'server/lessons.ts',
        'commands/observe.ts',
        ...places().map(({ name }) => `${name}/check.ts`),
      ),
    },
  ],
  ['commands', { sentences: usage.sentences, source: source('commands/arguments.ts', '../scripts/workshop.ts') }],
]);
for (const { name, dir } of places()) {
  const { why } = (await import(join(dir, 'why.ts'))) as { why: Catalogue };
  catalogues.set(name, { sentences: why.sentences, source: source(`${name}/check.ts`) });
}

const valuesOf = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!).toSorted();

for (const [name, { sentences, source: code }] of catalogues) {
  test(`${name}: each reason of a red check is translated, with its values`, () => {
    for (const [key, { en, ...others }] of Object.entries(sentences))
      for (const [language, text] of Object.entries(others)) {
        assert.is.not(text, en, `${key} in ${language}`);
        assert.equal(new Set(valuesOf(text)), new Set(valuesOf(en)), `${key} in ${language}`);
      }
  });

  test(`${name}: each sentence of its catalogue is said by a check`, () => {
    // By its key, or by that of a question that it belongs to: `shop: {`.
    const unsaid = Object.keys(sentences).filter((key) => !new RegExp(`'${key}'|^ {2}${key}: `, 'm').test(code));
    assert.equal(unsaid, []);
  });

  test(`${name}: no check has a reason that is in no catalogue`, () => {
    // The compiler takes nothing but reasons; these are the two ways around a catalogue.
    if (/^\d/.test(name)) assert.not.match(code, /\b(?:quoted|new Reason)\b/);
  });
}

test('a reason has its values, and a reason in it, in the same language', () => {
  const why = reasons({
    all: { en: '{count} of {what}', de: 'von {what} sind es {count}', es: '{count} de {what}' },
    apples: { en: 'apples', de: 'Äpfeln', es: 'manzanas' },
  });
  assert.is(why('all', { count: 2, what: why('apples') }).in('de'), 'von Äpfeln sind es 2');
  assert.is(why('all', { count: 2, what: quoted('{count}') }).in('es'), '2 de {count}');
});

/** What a help names: commands, options, and what they take. */
const named = (help: string): string[] => help.match(/(?<=workshop -- )\S+(?: [A-Z[][A-Z…\]]*)?|--\w+(?: [A-Z]\b)?/g)!;

for (const language of OTHERS)
  test(`${language}: the help names every command and option, in 80 columns`, () => {
    assert.equal(named(HELP[language]), named(HELP.en));
    assert.ok(named(HELP.en).length > 20);
    for (const help of [HELP.en, HELP[language]])
      for (const line of help.split('\n')) assert.ok(line.length <= 80, line);
    const same = HELP[language].split('\n').filter((line) => line.length > 12 && HELP.en.includes(line));
    assert.equal(same, []);
  });

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
