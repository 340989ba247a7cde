/**
 * The page's data from its own file: a build that any web server serves, or none. Lessons, hints, quiz and simulator are
 * there; what was done is kept by the browser, and the learner says it, since nobody can look.
 */
import { h } from '#kit/page/dom.ts';
import { asked, standing } from '../course/standing.ts';
import type { CourseDocument, ExerciseDocument, FileCourse, LessonDocument } from '../server/document.ts';
import type { Source, Told } from './source.ts';

interface Kept {
  readonly hints: Readonly<Record<string, number>>;
  readonly done: Readonly<Record<string, string>>;
  readonly answers: Readonly<Record<string, { readonly option: number }>>;
}

const KEY = 'sidecar-stacks-workshop';

function kept(): Kept {
  const nothing: Kept = { hints: {}, done: {}, answers: {} };
  try {
    return { ...nothing, ...(JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Kept>) };
  } catch {
    return nothing;
  }
}

/** @param file what the page was built with */
export function fileSource({ lessons, questions, slides }: FileCourse): Source {
  let state = kept();
  let open: string | undefined;
  let told: Told | undefined;

  const course = (): CourseDocument => ({
    goals: standing(
      lessons.map(({ name, number, title, goals }) => ({
        number,
        title: title.replaceAll('`', ''),
        goals,
        done: state.done[name] ?? null,
        hints: state.hints[name] ?? 0,
      })),
      questions,
      state.answers,
    ),
    questions: asked(questions, state.answers),
  });
  const list = (): ExerciseDocument[] =>
    lessons.map(({ name, number, title, minutes }) => ({
      name,
      number,
      title,
      minutes,
      begun: false,
      done: name in state.done,
    }));
  const lesson = (): LessonDocument | null => {
    const found = lessons.find(({ name }) => name === open);
    if (!found) return null;
    const { name, number, title, minutes, goals, goal, steps, hints, recap, checks } = found;
    const shown = state.hints[name] ?? 0;
    const done = name in state.done;
    return {
      name,
      number,
      title,
      minutes,
      goals,
      goal,
      steps,
      hints: hints.slice(0, shown),
      moreHints: hints.length - Math.min(shown, hints.length),
      recap: done ? recap : null,
      folder: `workshop/mine/${name}`,
      project: '',
      begun: false,
      busy: null,
      complaint: null,
      results: checks.map((must) => ({ must, state: done ? 'met' : 'waiting' })),
    };
  };
  const tell = (): void => {
    told?.exercises(list());
    told?.course(course());
    told?.lesson(lesson());
  };
  const note = (change: Partial<Kept>): void => {
    state = { ...state, ...change };
    try {
      localStorage.setItem(KEY, JSON.stringify(state));
    } catch {
      // A browser that keeps nothing: it holds until the page is left.
    }
  };
  const act = (name: string, action: string): void => {
    open = name;
    const { [name]: before, ...others } = state.done;
    if (action === 'hint') note({ hints: { ...state.hints, [name]: (state.hints[name] ?? 0) + 1 } });
    if (action === 'done')
      note({ done: before === undefined ? { ...others, [name]: new Date().toISOString() } : others });
  };
  return {
    runs: false,
    listen(wanted) {
      told = wanted;
      tell();
      return h('span');
    },
    wish(path, { name, action, question, option }) {
      if (path === '/exercise') act(String(name), String(action));
      if (path === '/quiz') note({ answers: { ...state.answers, [String(question)]: { option: Number(option) } } });
      tell();
      return Promise.resolve('');
    },
    slides: () => Promise.resolve(slides),
    goals: () => Promise.resolve(course().goals),
    translate(language) {
      location.assign(language === 'en' ? 'index.html' : `${language}.html`);
      return Promise.resolve();
    },
  };
}
