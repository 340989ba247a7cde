import { parseArgs } from 'node:util';

/** The exit code for a command line that is not understood. */
const EXIT_USAGE = 2;

/**
 * Reads the flags of this process's command line: returns which of `known` were given.
 * `--help` prints the help and ends the process with 0; anything that is not understood ends it
 * with 2 and a line that says what it was.
 */
export function readFlags(help: string, known: readonly string[] = []): Set<string> {
  const flag = { type: 'boolean' } as const;
  try {
    const options = Object.fromEntries([...known, 'help'].map((name) => [name, flag]));
    const given = new Set(Object.keys(parseArgs({ options }).values));
    if (!given.has('help')) return given;
  } catch (error) {
    console.error(`${(error as Error).message.split('. ')[0]}. See --help.`);
    process.exit(EXIT_USAGE);
  }
  process.stdout.write(help);
  process.exit(0);
}
