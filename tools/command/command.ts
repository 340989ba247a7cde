/** A command line that cannot be understood; its message says what is accepted. */
export class Usage extends Error {}

export const EXIT_OK = 0;
/** The command ran, and found what it was to look for. */
export const EXIT_FOUND = 1;
export const EXIT_USAGE = 2;

/** What a command needs from the world it runs in. */
export interface World {
  /** Paths are relative to this folder. */
  readonly folder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** The world of this process; npm says in INIT_CWD where it was called. */
export function ofThisProcess(): World {
  return {
    folder:
      process.env['npm_lifecycle_event'] === undefined ? process.cwd() : (process.env['INIT_CWD'] ?? process.cwd()),
    environment: process.env,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
  };
}

export interface Command {
  /** One line for the list of commands. */
  readonly summary: string;
  /** @param args what stands beside --help */
  readonly help: (args: readonly string[]) => string;
  /** @returns the exit code; @throws {Usage} for a wrong command line */
  readonly run: (args: readonly string[], world: World) => Promise<number> | number;
}
