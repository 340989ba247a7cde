/** A page to print: what its learner has reached. */
import { h } from '#kit/page/dom.ts';
import type { GoalDocument } from '../server/document.ts';
import { goal } from './course.ts';

export async function certificate(root: HTMLElement): Promise<void> {
  const { goals } = (await (await fetch('/progress.json')).json()) as { goals: readonly GoalDocument[] };
  const done = new Map(goals.flatMap(({ exercises }) => exercises.map((each) => [each.number, each] as const)));
  const finished = [...done.values()]
    .filter((each) => each.done !== null)
    .toSorted((a, b) => (a.number < b.number ? -1 : 1));
  const print = h('button', { type: 'button' }, 'Print');
  print.addEventListener('click', () => window.print());
  root.append(
    h(
      'main',
      { class: 'certificate' },
      h('h1', {}, 'Sidecars, by hand'),
      h('label', {}, 'Name ', h('input', { type: 'text', autocomplete: 'name' })),
      h('h2', {}, goals.every(({ reached }) => reached) ? 'All goals are reached' : 'Goals'),
      h('ul', { class: 'goals' }, ...goals.map(goal)),
      h('h2', {}, `Exercises: ${finished.length} of ${done.size}`),
      h(
        'ul',
        {},
        ...finished.map((each) =>
          h('li', {}, `${Number(each.number)} · ${each.title}`, h('small', {}, each.done!.slice(0, 10))),
        ),
      ),
      h(
        'p',
        { class: 'buttons' },
        print,
        h('a', { href: '/progress.json', download: 'progress.json' }, 'as JSON, for a teacher'),
        h('a', { href: '/' }, 'back to the workshop'),
      ),
    ),
  );
}
