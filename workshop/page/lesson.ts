/** The open exercise: goal, steps, checks as they turn green, hints, recap. */
import { h, setChildren } from '#kit/page/dom.ts';
import { GOALS } from '../lessons/goals.ts';
import type { LessonDocument } from '../server/document.ts';
import { source } from './here.ts';
import { inline, markdown } from './markdown.ts';
import { wishButton } from './wish.ts';
import { words } from './words.ts';

const SIGNS = { met: '✓', unmet: '✗', waiting: '·' };

const DOING = {
  begin: 'doingBegin',
  solution: 'doingSolution',
  reset: 'doingReset',
  stop: 'doingStop',
} as const;

/** What is asked for, its label and title, and whether it can be asked for now. */
type Action = [string, string, string, boolean];

/** The lesson; parts that have not changed are left alone, so that a selection survives. */
export function lesson(): { readonly element: HTMLElement; update(document: LessonDocument | null): void } {
  const element = h('div', { class: 'lesson' }, ...introduction());
  const parts = new Map<string, { key: string; node: HTMLElement }>();
  const part = (name: string, data: unknown, make: () => HTMLElement): HTMLElement => {
    const key = JSON.stringify(data);
    const known = parts.get(name);
    if (known?.key === key) return known.node;
    const node = make();
    parts.set(name, { key, node });
    return node;
  };
  return {
    element,
    update(document) {
      if (!document) return;
      const { name, title, minutes, goals, goal, steps, hints, recap, begun, busy, folder, complaint, results } =
        document;
      setChildren(element, [
        part('head', [name, title], () =>
          h(
            'section',
            {},
            h('h2', {}, `${Number(document.number)} · `, ...inline(title)),
            h('p', { class: 'quiet' }, words.serves(minutes, goals.map((id) => words.goalNames[id]).join(', '))),
          ),
        ),
        part('goal', [name, goal], () => h('section', {}, h('h2', {}, words.goal), ...markdown(goal))),
        part('buttons', [name, begun, busy, document.moreHints], () => buttons(document)),
        part('checks', [begun, folder, results, complaint, busy], () => checks(document)),
        part('recap', recap, () =>
          recap === null ? h('div') : h('section', { class: 'recap' }, h('h2', {}, words.recap), ...markdown(recap)),
        ),
        part('hints', hints, () =>
          hints.length === 0
            ? h('div')
            : h(
                'section',
                { class: 'hints' },
                h('h2', {}, words.hints),
                h('ol', {}, ...hints.map((hint) => h('li', {}, ...markdown(hint)))),
              ),
        ),
        part('steps', [name, steps], () => h('section', {}, h('h2', {}, words.steps), ...markdown(steps))),
      ]);
    },
  };
}

/** Before an exercise is chosen: what the course is for. */
const introduction = (): HTMLElement[] => [
  h('h2', {}, words.atTheEnd),
  h(
    'ul',
    {},
    ...GOALS.map(({ id }) => h('li', {}, h('strong', {}, words.goalNames[id]), `: ${words.youCan(words.can[id])}`)),
  ),
  h('p', { class: 'quiet' }, words.choose),
];

function buttons({ name, begun, busy, moreHints }: LessonDocument): HTMLElement {
  const hint: Action = ['hint', words.hint, words.moreHints(moreHints), moreHints > 0];
  const done: Action = ['done', words.markDone, words.markDoneTitle, true];
  const running: Action[] = [
    ['begin', begun ? words.bringUp : words.begin, words.beginTitle, true],
    hint,
    ['solution', words.solution, words.solutionTitle, begun],
    ['reset', words.reset, words.resetTitle, begun],
    ['stop', words.stop, words.stopTitle, begun],
  ];
  return h(
    'div',
    { class: 'buttons' },
    ...(source.runs ? running : [hint, done]).map(([action, label, title, possible]) => {
      const button = wishButton(label, '/exercise', () => ({ name, action }), title);
      button.disabled = !possible || busy !== null;
      return button;
    }),
  );
}

function checks({ begun, folder, results, complaint, busy }: LessonDocument): HTMLElement {
  const place = !source.runs
    ? h('p', { class: 'quiet' }, words.byYourself)
    : begun
      ? h('p', { class: 'quiet' }, words.yourFiles, h('code', {}, folder), words.editsAreApplied)
      : h('p', { class: 'quiet' }, words.notBegun);
  const lines = results.map(({ must, state, why }) =>
    h(
      'li',
      { 'data-state': state },
      h('span', { class: 'sign', role: 'img', 'aria-label': words[state] }, SIGNS[state]),
      h('span', {}, words.must(must), ...(why === undefined ? [] : [h('small', {}, why)])),
    ),
  );
  return h(
    'section',
    { class: 'checks', 'aria-live': 'polite' },
    h('h2', {}, words.checks),
    place,
    ...(busy === null ? [] : [h('p', { class: 'busy' }, `${words[DOING[busy]]} …`)]),
    ...(complaint === null ? [] : [h('p', { class: 'problem' }, complaint)]),
    h('ul', {}, ...lines),
  );
}
