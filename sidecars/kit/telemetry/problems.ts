/** The last problems that a sidecar logged, for a person who looks at it. */

export interface Problem {
  /** Of the last time, since the epoch, in milliseconds. */
  readonly time: number;
  readonly level: 'warn' | 'error' | 'fatal';
  readonly message: string;
  /** What the line says of its reason; '' for nothing. */
  readonly cause: string;
  /** How often it came. */
  readonly count: number;
}

const KEPT = 10;
/** Of a message, and of a cause, in characters. */
const MAX_TEXT = 300;
/** pino's own numbers. */
const WARN = 40;
const ERROR = 50;
const FATAL = 60;

export class Problems {
  #list: Problem[] = [];

  /** Told when the list has changed. */
  readonly #onChange: () => void;

  constructor(onChange: () => void = () => {}) {
    this.#onChange = onChange;
  }

  /** Note a line of the log, where it tells of a problem. @param args as a logger's method is called @param level pino's number */
  note(args: readonly unknown[], level: number): void {
    if (level < WARN) return;
    const [first, second] = args;
    const message = cut(typeof first === 'string' ? first : typeof second === 'string' ? second : '');
    const cause = cut(causeOf(first));
    const same = this.#list.findIndex((each) => each.message === message && each.cause === cause);
    const count = same === -1 ? 1 : this.#list[same]!.count + 1;
    if (same !== -1) this.#list.splice(same, 1);
    const name = level >= FATAL ? 'fatal' : level >= ERROR ? 'error' : 'warn';
    this.#list.unshift({ time: Date.now(), level: name, message, cause, count });
    this.#list = this.#list.slice(0, KEPT);
    this.#onChange();
  }

  /** The latest first. */
  list(): readonly Problem[] {
    return this.#list;
  }
}

/** The last problems of several processes as those of one: the same one is told once, as often as it came. */
export function joinProblems(lists: readonly (readonly Problem[])[]): readonly Problem[] {
  const joined = new Map<string, Problem>();
  for (const problem of lists.flat().toSorted((a, b) => b.time - a.time)) {
    const key = JSON.stringify([problem.level, problem.message, problem.cause]);
    const later = joined.get(key);
    joined.set(key, later === undefined ? problem : { ...later, count: later.count + problem.count });
  }
  return [...joined.values()].slice(0, KEPT);
}

function causeOf(about: unknown): string {
  if (about instanceof Error) return about.message;
  if (typeof about !== 'object' || about === null) return '';
  const { err, error, reason, cause } = about as Readonly<Record<string, unknown>>;
  const told = err ?? error ?? reason ?? cause;
  if (told instanceof Error) return told.message;
  return typeof told === 'string' ? told : '';
}

// Copied: a part of a text keeps the whole of it.
const cut = (text: string): string =>
  text.length <= MAX_TEXT ? text : `${Buffer.from(text.slice(0, MAX_TEXT)).toString()}…`;
