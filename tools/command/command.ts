/** A command line that cannot be understood; its message says what is accepted. */
export class Usage extends Error {}

export const EXIT_OK = 0;
/** The command ran, and found what it was to look for. */
export const EXIT_FOUND = 1;
export const EXIT_USAGE = 2;

/** Control characters and those that turn the direction of a text: a terminal or a CI would act on them (Unicode TR 36). */
const UNPRINTABLE = /[\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** Somebody's text as one line that is only read. */
export const printable = (text: string): string => text.replaceAll(UNPRINTABLE, '\ufffd');

/** Every text of a value, and every key, as printable gives it. */
export function printableAll<T>(value: T): T {
  if (typeof value === 'string') return printable(value) as T;
  if (Array.isArray(value)) return value.map((each: unknown) => printableAll(each)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]: [string, unknown]) => [printable(key), printableAll(each)]),
  ) as T;
}

/** What a command needs from the world it runs in. */
export interface CommandContext {
  /** Paths are relative to this folder. */
  readonly folder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** How the network is asked; undefined where it must not be. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/** The world of this process; npm says in INIT_CWD where it was called. */
export function ofThisProcess(): CommandContext {
  return {
    folder:
      process.env['npm_lifecycle_event'] === undefined ? process.cwd() : (process.env['INIT_CWD'] ?? process.cwd()),
    environment: process.env,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    fetch,
  };
}

export interface Command {
  /** One line for the list of commands. */
  readonly summary: string;
  /** @param args what stands beside --help */
  readonly help: (args: readonly string[]) => string;
  /** @returns the exit code; @throws {Usage} for a wrong command line */
  readonly run: (args: readonly string[], context: CommandContext) => Promise<number> | number;
}
