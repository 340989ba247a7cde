/** A page to print: what its learner has reached. */
import { h } from '#kit/page/dom.ts';
import { goal } from './course.ts';
import { source } from './here.ts';
import { words } from './words.ts';

export async function certificate(root: HTMLElement): Promise<void> {
  const goals = await source.goals();
  const done = new Map(goals.flatMap(({ exercises }) => exercises.map((each) => [each.number, each] as const)));
  const finished = [...done.values()]
    .filter((each) => each.done !== null)
    .toSorted((a, b) => (a.number < b.number ? -1 : 1));
  const print = h('button', { type: 'button' }, words.print);
  print.addEventListener('click', () => window.print());
  root.append(
    h(
      'main',
      { class: 'certificate' },
      h('h1', {}, words.byHand),
      h('label', {}, words.name, h('input', { type: 'text', autocomplete: 'name' })),
      h('h2', {}, goals.every(({ reached }) => reached) ? words.allReached : words.goals),
      h('ul', { class: 'goals' }, ...goals.map(goal)),
      h('h2', {}, words.exercisesDone(finished.length, done.size)),
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
        ...(source.runs ? [h('a', { href: '/progress.json', download: 'progress.json' }, words.asJson)] : []),
        h('a', { href: '.' }, words.back),
      ),
    ),
  );
}
