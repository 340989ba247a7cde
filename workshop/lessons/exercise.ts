/**
 * What an exercise is: a folder workshop/NN-NAME with README.md (goal, steps, hints, recap), start/ (what the
 * learner begins with), solution/ (what the learner's files could be in the end) and check.ts, whose default
 * export is made by `exercise()`. Further solution-NAME/ and fake-NAME/ folders are for `verify`: the first
 * must pass too, the second must not.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse as parseYaml } from 'yaml';
import type { Inspected, Project } from '../../scripts/lib/compose.ts';
import { docker } from '../../scripts/lib/engine.ts';
import { ROOT } from '../../scripts/lib/stacks.ts';
import type { Language } from '../languages/languages.ts';
import { ReasonedError, type Reason } from '../languages/reasons.ts';
import { parseLesson, parseTranslation, type Lesson, type Translation } from './lesson.ts';
import { why } from './why.ts';

/** A state that is not (yet) as the exercise asks for; its reason tells the learner what was seen instead. */
export class Unmet extends ReasonedError {}

/**
 * Demand a state.
 * @param reason what was seen instead, for the learner
 * @throws {Unmet} when it does not hold
 */
export function need(condition: unknown, reason: Reason): asserts condition {
  if (!condition) throw new Unmet(reason);
}

/** What a check looks at. */
export interface Stage {
  /** The learner's folder. */
  readonly dir: string;
  /** The learner's compose project. */
  readonly project: Project;
}

export interface Check {
  /** The obligation, after "must": "answer over HTTPS". */
  readonly must: string;
  /** Observes the state; what it throws is why it does not hold. It does not wait. */
  readonly look: (stage: Stage) => void | Promise<void>;
  /**
   * A trial makes something happen to observe the effect: a crash, a push. It may wait, comes after everything that
   * only looks, and again only when files or containers have changed.
   */
  readonly trial?: boolean;
}

export interface Exercise {
  /** Whether start/ holds a compose project that runs. */
  readonly runs: boolean;
  readonly checks: readonly Check[];
  /** Instead of all of them where no container engine answers: what the files alone can show. */
  readonly written?: readonly Check[];
}

/** Declare an exercise: the default export of its check.ts. */
export const exercise = (declared: Exercise): Exercise => declared;

/** An exercise's folder, and what its lesson says. */
export interface Place {
  /** `02`. */
  readonly number: string;
  /** `02-https`, the folder's name. */
  readonly name: string;
  readonly dir: string;
  readonly lesson: Lesson;
}

/** For an engine to say that it is there, in milliseconds. */
const ENGINE_MS = 20_000;

export const WORKSHOP = join(ROOT, 'workshop');

const FOLDER = /^(\d\d)-[a-z-]+$/;

/** All exercises, in the order of their numbers. */
export function places(parent = WORKSHOP): Place[] {
  return readdirSync(parent, { withFileTypes: true })
    .filter(({ name }) => FOLDER.test(name) && existsSync(join(parent, name, 'README.md')))
    .map(({ name }) => name)
    .toSorted()
    .map((name) => {
      const dir = join(parent, name);
      const lesson = parseLesson(readFileSync(join(dir, 'README.md'), 'utf8'));
      return { number: FOLDER.exec(name)![1]!, name, dir, lesson };
    });
}

/** A lesson in a language: in English, and where there is no translation, as it is written in README.md. */
export function lessonIn({ dir, lesson }: Place, language: Language): Translation {
  const file = join(dir, `README.${language}.md`);
  if (language === 'en' || !existsSync(file)) return { ...lesson, checks: [] };
  return parseTranslation(readFileSync(file, 'utf8'), language);
}

export class UnknownExercise extends ReasonedError {}

/**
 * One exercise.
 * @param wanted `2`, `02`, `02-https` or `https`
 * @throws {UnknownExercise} with those that there are
 */
export function findPlace(wanted: string, all = places()): Place {
  const found = all.find(
    ({ number, name }) => name === wanted || name.slice(3) === wanted || number === wanted.padStart(2, '0'),
  );
  if (found) return found;
  const known = all.map(({ name }) => name).join(', ');
  throw new UnknownExercise(why('noExercise', { wanted: JSON.stringify(wanted), known }));
}

/** Load an exercise's checks. */
export async function loadExercise({ dir }: Place): Promise<Exercise> {
  return ((await import(join(dir, 'check.ts'))) as { default: Exercise }).default;
}

/** An exercise as it can be done here: without an engine, by its files where it can. */
export async function exerciseHere(place: Place): Promise<Exercise> {
  const declared = await loadExercise(place);
  if (!declared.written) return declared;
  const answers = await docker(['version', '--format', '{{.Server.Version}}'], { timeoutMs: ENGINE_MS }).then(
    () => true,
    () => false,
  );
  return answers ? declared : { runs: false, checks: declared.written };
}

/** Names of the folders of a kind: `solution`, `solution-2`; `fake-all-sidecars`. */
export function variants({ dir }: Place, kind: 'solution' | 'fake'): string[] {
  return readdirSync(dir)
    .filter((name) => name === kind || name.startsWith(`${kind}-`))
    .toSorted();
}

// --- what several checks look at --------------------------------------------------------------------------------------

/**
 * A YAML file of the learner's.
 * @throws {Unmet} when it is missing or no YAML
 */
export function yamlFile(stage: Stage, name: string): unknown {
  const text = textFile(stage, name);
  try {
    return parseYaml(text);
  } catch (error) {
    const [problem] = (error as Error).message.split('\n');
    throw new Unmet(why('noYaml', { name, problem }), { cause: error });
  }
}

/**
 * A text file of the learner's.
 * @throws {Unmet} when it is missing
 */
export function textFile({ dir }: Stage, name: string): string {
  const path = join(dir, name);
  need(existsSync(path), why('missing', { name }));
  return readFileSync(path, 'utf8');
}

/** A field of what a YAML file holds; undefined where there is none on the way. */
export function field(document: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, key)
        ? (value as Record<string, unknown>)[key]
        : undefined,
    document,
  );
}

/** An answer in small letters without blanks around it; empty when it is no text. */
export const word = (value: unknown): string => (typeof value === 'string' ? value.trim().toLowerCase() : '');

/**
 * A service's container.
 * @throws {Unmet} when there is none
 */
export async function container({ project }: Stage, service: string): Promise<Inspected> {
  const found = await project.inspect(service).catch(() => undefined);
  need(found, why('noContainer', { service }));
  return found;
}

/**
 * A service's container that runs.
 * @throws {Unmet} when it does not
 */
export async function running(stage: Stage, service: string): Promise<Inspected> {
  const found = await container(stage, service);
  const { Running, Status: state, ExitCode: code } = found.State;
  need(Running && state === 'running', why('notRunning', { service, state, code }));
  return found;
}
