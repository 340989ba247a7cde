import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { run } from '../../scripts/lib/run.ts';
import { ROOT } from '../../scripts/lib/stacks.ts';
import { places } from '../lessons/exercise.ts';
import { GOALS } from '../lessons/goals.ts';
import { Workspace } from '../lessons/workspace.ts';
import { Answers } from './answers.ts';
import { gradeHomework } from './homework.ts';
import { FIRST_MINUTE } from './interview.ts';
import { quiz, readQuiz } from './quiz.ts';
import { courseOf } from './learner.ts';

const place = join(ROOT, 'artifacts', `course-${process.pid}`);
test.after(() => rmSync(place, { recursive: true, force: true }));

const QUESTION = `- id: one
  goal: build
  ask: Which line?
  code: |
    a: 1
    b: 2
  options:
    - { line: 2, right: true, why: Because. }
    - { text: None, why: No. }
`;

test('a question is read, and its lines are said with their numbers', () => {
  assert.equal(readQuiz(QUESTION), [
    {
      id: 'one',
      goal: 'build',
      ask: 'Which line?',
      code: 'a: 1\nb: 2',
      options: [
        { text: 'line 2: `b: 2`', right: true, why: 'Because.' },
        { text: 'None', right: false, why: 'No.' },
      ],
    },
  ]);
});

test('what is wrong with a question is named', () => {
  for (const [from, to, said] of [
    ['goal: build', 'goal: win', /question one: goal "win" is none/],
    ['right: true, ', '', /question one: exactly one option is right/],
    ['line: 2', 'line: 9', /question one: an option has neither a text nor a line/],
    [', why: No.', '', /question one: an option does not say why/],
  ] as const)
    assert.throws(() => readQuiz(QUESTION.replace(from, to)), said);
  assert.throws(() => readQuiz(QUESTION + QUESTION), /question one is there twice/);
});

test('every goal has exercises and questions; the right option has no usual place', () => {
  for (const { id } of GOALS) {
    assert.ok(quiz().filter(({ goal }) => goal === id).length >= 5, id);
    assert.ok(places().filter(({ lesson }) => lesson.goals.includes(id)).length >= 2, id);
  }
  const at = quiz().map(({ options }) => options.findIndex(({ right }) => right));
  for (const place of [0, 1, 2])
    assert.ok(at.filter((each) => each === place).length <= quiz().length * 0.6, `${place}`);
});

test('a goal is reached by its exercises and its questions, and lost by a wrong answer', () => {
  const workspace = new Workspace(temporaryDirectory('course'), 'test');
  const answers = new Answers(workspace.root);
  const goal = (): boolean => courseOf(workspace).goals.find(({ id }) => id === 'identify')!.reached;
  for (const place of places())
    if (place.lesson.goals.includes('identify')) workspace.note(place, { hints: 0, done: 'now' });
  assert.is(goal(), false);
  const questions = quiz().filter(({ goal: of }) => of === 'identify');
  for (const { id, options } of questions)
    answers.note(
      id,
      options.findIndex(({ right }) => right),
    );
  assert.is(goal(), true);
  answers.note(
    questions[0]!.id,
    questions[0]!.options.findIndex(({ right }) => !right),
  );
  assert.is(goal(), false);
  assert.is(answers.all()[questions[0]!.id]!.tries, 2);
  writeFileSync(join(workspace.root, 'quiz.json'), '[1');
  assert.equal(answers.all(), {});
});

test('homework: a repository is graded by what it says, and nothing in it is changed', async () => {
  const folder = temporaryDirectory('homework');
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  const red = async (): Promise<string[]> =>
    (await gradeHomework(folder)).filter(({ why }) => why.length > 0).map(({ id }) => id);
  write('compose.yaml', 'services: {web: {image: "shop:1"}}\n');
  assert.equal(await red(), ['hasSidecar']);
  write(
    'compose.yaml',
    'services: {web: {image: "shop:1"}, vpn: {image: "qmcgaw/gluetun:v3", network_mode: "service:web"}}\n',
  );
  assert.equal(await red(), ['soundPods']);
  write('Dockerfile', 'FROM debian:13\nENV DB_PASSWORD=hunter2\n');
  assert.ok((await red()).includes('contracts'));
  write('compose.yaml', 'services: [\n');
  assert.ok((await red()).includes('isRead'));
  assert.equal(readdirSync(folder).toSorted(), ['Dockerfile', 'compose.yaml']);
});

test('the sentences for one minute are of exercises that there are, and take about one minute', () => {
  const chosen = places().filter(({ number }) => FIRST_MINUTE.includes(number));
  assert.is(chosen.length, FIRST_MINUTE.length);
  const words = (all: typeof chosen): number => all.flatMap(({ lesson }) => lesson.interview.split(' ')).length;
  // 130 to 150 words a minute is how fast a person speaks.
  assert.ok(words(chosen) >= 90 && words(chosen) <= 150, `${words(chosen)}`);
  assert.ok(words(places()) >= 350 && words(places()) <= 750, `${words(places())}`);
});

test('without an engine, exercise 12 is checked by its files', async () => {
  const check = async (...words: string[]) =>
    run(process.execPath, [join(ROOT, 'scripts/workshop.ts'), ...words], {
      timeoutMs: 120_000,
      env: { WORKSHOP_DIR: place, DOCKER_HOST: 'unix:///nowhere/docker.sock' },
    });
  const begun = await check('check', '12');
  assert.is(begun.exitCode, 1, begun.stderr);
  assert.match(begun.stdout, /no service of compose.yaml answers with metrics/);
  const exercise = join(ROOT, 'workshop/12-choose');
  const mine = join(place, '12-choose');
  for (const solution of ['solution', 'solution-owner']) {
    for (const name of ['answer.yaml', 'compose.yaml']) cpSync(join(exercise, solution, name), join(mine, name));
    const { exitCode, stdout } = await check('check', '12');
    assert.is(exitCode, 0, stdout);
  }
  const seeing = readFileSync(join(mine, 'compose.yaml'), 'utf8');
  writeFileSync(join(mine, 'compose.yaml'), seeing.replace('pid: service:webstats', 'pid: service:pod'));
  const blind = await check('check', '12');
  assert.match(blind.stdout, /metrics does not see the processes of webstats/);
});

test('in German, the terminal speaks German: checks, list, progress, in 80 columns', async () => {
  const mine = join(ROOT, 'artifacts', `german-${process.pid}`);
  const say = async (...words: string[]): Promise<string> => {
    const { stdout } = await run(process.execPath, [join(ROOT, 'scripts/workshop.ts'), ...words], {
      timeoutMs: 120_000,
      env: { WORKSHOP_DIR: mine },
    });
    for (const line of stdout.split('\n')) assert.ok(line.length <= 80, line);
    return stdout;
  };
  try {
    assert.match(await say('language', 'de'), /ist jetzt auf Deutsch/);
    assert.match(await say('check', '1'), /✗ muss benennen, was jeder Service von shop ist/);
    assert.match(await say('list'), /01 {2}Das Sidecar erkennen +20 Min\. +begonnen/);
    assert.match(await say('progress'), /Du kannst sagen, was ein Sidecar ist[^]*Quiz: 0 von 8/);
    assert.match(await say('interview'), /60 Sekunden\n {2}· {2}Übung 1 gibt dir hier einen Satz/);
    assert.match(await say('stop', '1'), /Die Container von 01-identify sind weg/);
  } finally {
    rmSync(mine, { recursive: true, force: true });
  }
});

test('the quiz is asked in a terminal: wrong letters are asked again, right answers are not', async () => {
  const ask = async (input: string, ...words: string[]): Promise<string> => {
    const { stdout, exitCode, stderr } = await run(process.execPath, [join(ROOT, 'scripts/workshop.ts'), ...words], {
      input,
      timeoutMs: 120_000,
      env: { WORKSHOP_DIR: place },
    });
    assert.is(exitCode, 0, stderr);
    if (!words.includes('--json')) for (const line of stdout.split('\n')) assert.ok(line.length <= 80, line);
    return stdout;
  };
  const letter = (at: number): string => 'abcd'[quiz()[at]!.options.findIndex(({ right }) => right)]!;
  const first = await ask(`?\n${letter(0)}\n`, 'quiz');
  assert.is(first.match(/Your answer, a to d, or q/g)?.length, 2);
  assert.match(first, /✓ [\s\S]*1 of 28 are answered right/);
  assert.not.match(await ask('q\n', 'quiz'), new RegExp(quiz()[0]!.ask.slice(0, 30)));
  const { goals } = JSON.parse(await ask('', 'progress', '--json')) as { goals: ReturnType<typeof courseOf>['goals'] };
  assert.equal(goals.find(({ id }) => id === 'define')!.questions, { all: 8, right: 1 });
  assert.match(await ask('', 'progress'), /quiz: 1 of 8/);
  new Workspace(place, 'x').note(places()[0]!, { hints: 0, done: 'now' });
  assert.match(await ask('', 'interview'), /A sidecar is a second container[\s\S]*exercise 2 gives you/);
  assert.ok(readFileSync(join(place, 'quiz.json'), 'utf8').includes(quiz()[0]!.id));
});

test.run();
