/** Where the page's data come from: a server, or the page's own file in a build without one. */
import type {
  CourseDocument,
  ExerciseDocument,
  GoalDocument,
  LessonDocument,
  PodsDocument,
  UsageDocument,
} from '../server/document.ts';

/** What the page is told, by name. */
export interface Told {
  pods(document: PodsDocument): void;
  usage(document: UsageDocument): void;
  course(document: CourseDocument): void;
  exercises(document: readonly ExerciseDocument[]): void;
  lesson(document: LessonDocument | null): void;
}

export interface Source {
  /** Begin to tell; the element says whether what is shown is fresh. */
  listen(told: Told): HTMLElement;
  /**
   * Ask for something.
   * @returns why it is refused; empty when it is done
   */
  wish(path: string, asked: Readonly<Record<string, unknown>>): Promise<string>;
  /** The slides, as Markdown. */
  slides(): Promise<string>;
  goals(): Promise<readonly GoalDocument[]>;
  /** Show the page in another language. */
  translate(this: void, language: string): Promise<void>;
  /** Whether exercises can be begun and containers be shown. */
  readonly runs: boolean;
}
