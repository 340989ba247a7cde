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
  const name = h('input', { type: 'text', autocomplete: 'name' });
  const json = h('a', { download: 'progress.json', href: '#' }, words.asJson);
  json.addEventListener('click', () => {
    const text = JSON.stringify({ name: name.value, goals }, undefined, 2);
    json.href = `data:application/json,${encodeURIComponent(text)}`;
  });
  const print = h('button', { type: 'button' }, words.print);
  print.addEventListener('click', () => window.print());
  root.append(
    h(
      'main',
      { class: 'certificate' },
      h('h1', {}, words.byHand),
      h('label', {}, words.name, name),
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
      h('p', { class: 'buttons' }, print, json, h('a', { href: location.pathname }, words.back)),
    ),
  );
}
