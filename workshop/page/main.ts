/** The page's program: the lesson on the left, what runs on the right, a log below. */
import { h, setAttributes } from '#kit/page/dom.ts';
import { certificate } from './certificate.ts';
import { course } from './course.ts';
import { exercises } from './exercises.ts';
import { source } from './here.ts';
import { languageChoice } from './language.ts';
import { lesson } from './lesson.ts';
import { log } from './log.ts';
import { pods } from './pods.ts';
import { simulator } from './simulator.ts';
import { slides } from './slides.ts';
import type { Told } from './source.ts';
import { problem } from './wish.ts';
import { words } from './words.ts';

const root = document.getElementById('workshop')!;
const asked = new URLSearchParams(location.search);
if (asked.has('slides')) void slides(root);
else if (asked.has('certificate')) void certificate(root);
else {
  const text = lesson();
  const whole = course();
  const middle = h('main', {}, text.element);
  const views = [
    { element: whole.element, button: h('button', { type: 'button' }, words.goalsAndQuiz) },
    { element: simulator(), button: h('button', { type: 'button' }, words.simulator) },
  ];
  const show = (shown: HTMLElement): void => {
    middle.replaceChildren(shown);
    for (const { element, button } of views) setAttributes(button, { 'aria-current': element === shown && 'true' });
  };
  for (const { element, button } of views) button.addEventListener('click', () => show(element));
  const list = exercises(() => show(text.element));
  const tail = log();
  const boxes = pods((id, service) => tail.follow(id, service));
  const told: Told = {
    pods: (document) => boxes.update(document),
    usage: (document) => boxes.use(document),
    course: (document) => whole.update(document),
    exercises: (document) => list.update(document),
    lesson: (document) => {
      text.update(document);
      list.choose(document?.name);
      boxes.first(document?.project);
    },
  };
  const light = source.listen(told);
  // Without an engine, the simulator is what there is to see.
  if (!source.runs) root.dataset['runs'] = 'no';
  root.append(
    h(
      'header',
      { class: 'top' },
      h('h1', {}, words.workshop),
      problem(),
      h('a', { href: '?certificate' }, words.certificate),
      h('a', { href: '?slides' }, words.slides),
      languageChoice(source.translate),
      light,
    ),
    h('nav', { 'aria-label': words.exercises }, ...views.map(({ button }) => button), list.element),
    middle,
    h('section', { class: 'pods', 'aria-label': words.pods }, boxes.element),
    h('section', { class: 'log', 'aria-label': words.log }, tail.element),
  );
}
