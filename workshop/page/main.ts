/** The page's program: the lesson on the left, what runs on the right, a log below. */
import { h, setAttributes } from '#kit/page/dom.ts';
import { listen } from '#kit/page/live.ts';
import type {
  CourseDocument,
  ExerciseDocument,
  LessonDocument,
  PodsDocument,
  UsageDocument,
} from '../server/document.ts';
import { certificate } from './certificate.ts';
import { course } from './course.ts';
import { exercises } from './exercises.ts';
import { lesson } from './lesson.ts';
import { log } from './log.ts';
import { pods } from './pods.ts';
import { slides } from './slides.ts';
import { problem } from './wish.ts';

const root = document.getElementById('workshop')!;
const asked = new URLSearchParams(location.search);
if (asked.has('slides')) void slides(root);
else if (asked.has('certificate')) void certificate(root);
else {
  const text = lesson();
  const whole = course();
  const middle = h('main', {}, text.element);
  const toCourse = h('button', { type: 'button' }, 'Goals and quiz');
  const show = (element: HTMLElement): void => {
    middle.replaceChildren(element);
    setAttributes(toCourse, { 'aria-current': element === whole.element && 'true' });
  };
  toCourse.addEventListener('click', () => show(whole.element));
  const list = exercises(() => show(text.element));
  const tail = log();
  const boxes = pods((id, service) => tail.follow(id, service));
  const light = listen('/events', {
    pods: (document: PodsDocument) => boxes.update(document),
    usage: (document: UsageDocument) => boxes.use(document),
    course: (document: CourseDocument) => whole.update(document),
    exercises: (document: readonly ExerciseDocument[]) => list.update(document),
    lesson: (document: LessonDocument | null) => {
      text.update(document);
      list.choose(document?.name);
      boxes.first(document?.project);
    },
  });
  root.append(
    h(
      'header',
      { class: 'top' },
      h('h1', {}, 'Workshop'),
      problem(),
      h('a', { href: '/?certificate' }, 'certificate'),
      h('a', { href: '/?slides' }, 'slides'),
      light,
    ),
    h('nav', { 'aria-label': 'Exercises' }, toCourse, list.element),
    middle,
    h('section', { class: 'pods', 'aria-label': 'Pods' }, boxes.element),
    h('section', { class: 'log', 'aria-label': 'Log' }, tail.element),
  );
}
