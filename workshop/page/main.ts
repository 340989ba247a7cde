/** The page's program: the lesson on the left, what runs on the right, a log below. */
import { h } from '#kit/page/dom.ts';
import { listen } from '#kit/page/live.ts';
import type { ExerciseDocument, LessonDocument, PodsDocument, UsageDocument } from '../server/document.ts';
import { exercises } from './exercises.ts';
import { lesson } from './lesson.ts';
import { log } from './log.ts';
import { pods } from './pods.ts';
import { slides } from './slides.ts';
import { problem } from './wish.ts';

const root = document.getElementById('workshop')!;
if (new URLSearchParams(location.search).has('slides')) void slides(root);
else {
  const list = exercises();
  const text = lesson();
  const tail = log();
  const boxes = pods((id, service) => tail.follow(id, service));
  const light = listen('/events', {
    pods: (document: PodsDocument) => boxes.update(document),
    usage: (document: UsageDocument) => boxes.use(document),
    exercises: (document: readonly ExerciseDocument[]) => list.update(document),
    lesson: (document: LessonDocument | null) => {
      text.update(document);
      list.choose(document?.name);
      boxes.first(document?.project);
    },
  });
  root.append(
    h('header', { class: 'top' }, h('h1', {}, 'Workshop'), problem(), h('a', { href: '/?slides' }, 'slides'), light),
    h('nav', { 'aria-label': 'Exercises' }, list.element),
    h('main', {}, text.element),
    h('section', { class: 'pods', 'aria-label': 'Pods' }, boxes.element),
    h('section', { class: 'log', 'aria-label': 'Log' }, tail.element),
  );
}
