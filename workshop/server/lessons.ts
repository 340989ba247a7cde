/** The exercises as the page drives them: one is open at a time, and is looked at after every edit. */
import { relative } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ROOT } from '../../scripts/lib/stacks.ts';
import { setup } from '../../scripts/setup/setup.ts';
import type { Language } from '../languages/languages.ts';
import { ReasonedError, reasonOf } from '../languages/reasons.ts';
import { why } from '../lessons/why.ts';
import { findPlace, lessonIn, places, type Place } from '../lessons/exercise.ts';
import { Session, type Result } from '../lessons/session.ts';
import type { Workspace } from '../lessons/workspace.ts';
import { Answers } from '../course/answers.ts';
import { courseOf } from '../course/learner.ts';
import { quiz } from '../course/quiz.ts';
import type { CourseDocument, ExerciseDocument, LessonDocument } from './document.ts';

/** Between two looks at the files, in milliseconds. */
const EVERY = 400;
/** Without a change, states are looked at again after this, in milliseconds: while something is red, and while all is green. */
const RED_AGAIN = 1200;
const GREEN_AGAIN = 5000;

export const ACTIONS = ['open', 'begin', 'hint', 'solution', 'reset', 'stop'] as const;
export type Action = (typeof ACTIONS)[number];
/** Those that take a while, in which no other can begin. */
type LongAction = Exclude<Action, 'open' | 'hint'>;

export class Lessons {
  readonly #workspace: Workspace;
  readonly #tell: (name: string, data: unknown) => void;
  readonly #signal: AbortSignal;
  #session: Session | undefined;
  #results: readonly Result[] = [];
  #busy: LongAction | undefined;
  #complaint: string | undefined;
  /** By name: those whose containers were brought up here, and not by somebody else before. */
  readonly #broughtUp = new Map<string, Session>();
  #looked = 0;
  /** Whether the exercise is looked at and edits are applied; undefined until its containers have been looked for. */
  #live: boolean | undefined = false;

  constructor(workspace: Workspace, tell: (name: string, data: unknown) => void, signal: AbortSignal) {
    this.#workspace = workspace;
    this.#tell = tell;
    this.#signal = signal;
  }

  /** Until the signal: look at the open exercise. Nothing that it throws ends the server. */
  async run(): Promise<void> {
    this.#told();
    while (!this.#signal.aborted) {
      await this.#look().catch((error: unknown) => {
        this.#complaint = reasonOf(error).in(this.language);
        this.#told();
      });
      await pause(EVERY, undefined, { signal: this.#signal }).catch(() => {});
    }
  }

  /**
   * Do what a button asks for.
   * @throws {UnknownExercise}
   * @throws {Error} while something else is being done
   */
  act(name: string, action: Action): void {
    const place = findPlace(name);
    if (this.#busy !== undefined) throw new ReasonedError(why('wait', { what: this.#busy }));
    if (this.#session?.place.name !== place.name) this.#open(place);
    if (action === 'hint') this.#hint(place);
    if (action !== 'open' && action !== 'hint') void this.#do(action);
    this.#told();
  }

  /**
   * Note an answer to a question of the quiz.
   * @throws {Error} when there is no such question or option
   */
  answer(id: string, option: number): void {
    const question = quiz().find((each) => each.id === id);
    if (question?.options[option] === undefined) throw new Error('there is no such option');
    new Answers(this.#workspace.root).note(id, option);
    this.#tell('course', this.course());
  }

  /**
   * Remove the containers that were brought up here; their volumes stay.
   * @returns the names of their exercises
   */
  async leave(): Promise<string[]> {
    await Promise.all([...this.#broughtUp.values()].map((session) => session.leave()));
    return [...this.#broughtUp.keys()];
  }

  /** What the learner reads. */
  get language(): Language {
    return this.#workspace.language;
  }

  set language(language: Language) {
    this.#workspace.language = language;
    this.#told();
  }

  /** Look again at once: something was done to the containers. */
  soon(): void {
    this.#looked = -Infinity;
  }

  #open(place: Place): void {
    this.#session = new Session(place, this.#workspace);
    this.#results = [];
    this.#complaint = undefined;
    // To choose an exercise starts nothing.
    this.#live = this.#workspace.has(place) ? undefined : false;
    this.soon();
  }

  #hint(place: Place): void {
    const progress = this.#workspace.progress(place);
    this.#workspace.note(place, { ...progress, hints: Math.min(progress.hints + 1, place.lesson.hints.length) });
  }

  async #do(action: LongAction): Promise<void> {
    const session = this.#session!;
    this.#busy = action;
    try {
      if (action !== 'stop' && (await session.exercise()).runs) {
        await setup({ say: () => {}, signal: this.#signal });
        if (!(await session.isUp())) this.#broughtUp.set(session.place.name, session);
      }
      if (action === 'begin') this.#complaint = await session.begin(this.#signal);
      if (action === 'reset') this.#complaint = await session.reset(this.#signal);
      if (action === 'solution') {
        await session.begin(this.#signal);
        this.#complaint = await session.take('solution', this.#signal);
      }
      if (action === 'stop') {
        await session.end();
        this.#broughtUp.delete(session.place.name);
      }
      this.#live = action !== 'stop';
    } catch (error) {
      this.#complaint = reasonOf(error).in(this.language);
    } finally {
      this.#busy = undefined;
      this.#results = [];
      this.soon();
      this.#told();
    }
  }

  async #look(): Promise<void> {
    const session = this.#session;
    if (session === undefined || this.#busy !== undefined) return;
    this.#live ??= !(await session.exercise()).runs || (await session.isUp());
    if (!this.#live) return;
    const green = this.#results.length > 0 && this.#results.every(({ state }) => state === 'met');
    const edited = session.changed;
    if (!edited && performance.now() - this.#looked < (green ? GREEN_AGAIN : RED_AGAIN)) return;
    this.#looked = performance.now();
    if (edited) this.#complaint = await session.apply(this.#signal);
    const results = await session.look();
    // Another was opened meanwhile.
    if (this.#session !== session || this.#busy !== undefined) return;
    this.#results = results;
    // Unless another look was asked for meanwhile.
    if (this.#looked > -Infinity) this.#looked = performance.now();
    this.#told();
  }

  #told(): void {
    this.#tell('exercises', this.#list());
    this.#tell('lesson', this.#lesson());
    this.#tell('course', this.course());
  }

  /** How far the learner is, and the questions. */
  course(): CourseDocument {
    return courseOf(this.#workspace);
  }

  #list(): ExerciseDocument[] {
    return places().map((place) => ({
      name: place.name,
      number: place.number,
      title: lessonIn(place, this.language).title,
      minutes: place.lesson.minutes,
      begun: this.#workspace.has(place),
      done: this.#workspace.progress(place).done !== undefined,
    }));
  }

  #lesson(): LessonDocument | null {
    if (this.#session === undefined) return null;
    const { place, stage } = this.#session;
    const { title, goal, steps, hints, recap, checks } = lessonIn(place, this.language);
    const { hints: shown } = this.#workspace.progress(place);
    const green = this.#results.length > 0 && this.#results.every(({ state }) => state === 'met');
    return {
      name: place.name,
      number: place.number,
      title,
      minutes: place.lesson.minutes,
      goals: place.lesson.goals,
      goal,
      steps,
      hints: hints.slice(0, shown),
      moreHints: hints.length - Math.min(shown, hints.length),
      recap: green ? recap : null,
      folder: relative(ROOT, stage.dir),
      project: stage.project.name,
      begun: this.#workspace.has(place),
      busy: this.#busy ?? null,
      complaint: this.#complaint ?? null,
      results: this.#results.map(({ must, state, why }, index) => ({
        must: checks[index] ?? must,
        state,
        ...(why && { why: why.in(this.language) }),
      })),
    };
  }
}
