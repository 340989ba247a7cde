/** The course as a whole: its goals, ticked off, and the quiz, one question at a time. */
import { h, setAttributes, setChildren } from '#kit/page/dom.ts';
import type { AskedQuestion } from '../course/standing.ts';
import type { CourseDocument, GoalDocument } from '../server/document.ts';
import { inline } from './markdown.ts';
import { wish } from './wish.ts';
import { words } from './words.ts';

export function course(): { readonly element: HTMLElement; update(document: CourseDocument): void } {
  const element = h('div', { class: 'lesson course' });
  let questions: readonly AskedQuestion[] = [];
  let chosen: string | undefined;
  const goals = h('ul', { class: 'goals' });
  const question = h('section', { class: 'question', 'aria-live': 'polite' });
  const numbers = h('div', { class: 'numbers' });
  element.append(h('h2', {}, words.goals), goals, h('h2', {}, words.quiz), numbers, question);
  const show = (id: string | undefined): void => {
    chosen = id;
    draw();
  };
  const draw = (): void => {
    const at = Math.max(
      0,
      questions.findIndex(({ id }) => id === chosen),
    );
    const current = questions[at];
    setChildren(
      numbers,
      questions.map((each, index) => numberButton(each, index, index === at, () => show(each.id))),
    );
    setChildren(question, current ? asked(current, at, questions.length, () => show(next(questions, at)?.id)) : []);
  };
  return {
    element,
    update(document) {
      const unchanged = JSON.stringify(questions) === JSON.stringify(document.questions);
      questions = document.questions;
      chosen ??= questions.find(({ answer }) => !answer?.right)?.id;
      setChildren(goals, document.goals.map(goal));
      if (!unchanged) draw();
    },
  };
}

/** The next question that is not answered right, after this one. */
const next = (all: readonly AskedQuestion[], at: number): AskedQuestion | undefined =>
  [...all.slice(at + 1), ...all.slice(0, at)].find(({ answer }) => !answer?.right) ?? all[(at + 1) % all.length];

export function goal({ id, exercises, questions, reached }: GoalDocument): HTMLElement {
  const done = exercises.filter((each) => each.done !== null).length;
  return h(
    'li',
    { 'data-state': reached ? 'met' : 'waiting' },
    h(
      'span',
      { class: 'sign', role: 'img', 'aria-label': reached ? words.reached : words.notYet },
      reached ? '✓' : '·',
    ),
    h(
      'span',
      {},
      words.youCan(words.can[id]),
      h('small', {}, words.standing(done, exercises.length, questions.right, questions.all)),
    ),
  );
}

function numberButton({ answer }: AskedQuestion, index: number, current: boolean, act: () => void): HTMLElement {
  const state = answer === null ? 'open' : answer.right ? 'right' : 'wrong';
  const sign = state === 'right' ? ' ✓' : state === 'wrong' ? ' ✗' : '';
  const button = h('button', { type: 'button', 'data-state': state, title: words.question(index + 1, words[state]) });
  button.textContent = `${index + 1}${sign}`;
  setAttributes(button, { 'aria-current': current && 'true' });
  button.addEventListener('click', act);
  return button;
}

function asked({ id, ask, code, options, answer }: AskedQuestion, at: number, all: number, onNext: () => void) {
  const buttons = options.map((text, option) => {
    const own = answer?.option === option ? (answer.right ? 'met' : 'unmet') : '';
    const button = h(
      'button',
      { type: 'button', 'data-state': own, 'aria-pressed': String(own !== '') },
      ...inline(text),
    );
    button.addEventListener('click', () => void wish('/quiz', { question: id, option }));
    return h('li', {}, button);
  });
  const forward = h('button', { type: 'button', class: 'next' }, words.nextQuestion);
  forward.addEventListener('click', onNext);
  return [
    h('p', { class: 'quiet' }, words.questionOf(at + 1, all)),
    h('p', { class: 'ask' }, ...inline(ask)),
    ...(code === null ? [] : [h('pre', {}, h('code', {}, numbered(code)))]),
    h('ol', { class: 'options' }, ...buttons),
    ...(answer === null
      ? []
      : [
          h(
            'p',
            { class: 'why', 'data-state': answer.right ? 'met' : 'unmet' },
            answer.right ? words.yes : words.no,
            ...inline(answer.why),
          ),
          h('div', { class: 'buttons' }, forward),
        ]),
  ];
}

const numbered = (code: string): string =>
  code
    .split('\n')
    .map((line, index) => `${String(index + 1).padStart(2)}  ${line}`)
    .join('\n');
