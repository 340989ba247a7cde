/** The command line of `npm run workshop`. */
import { parseArgs } from 'node:util';

/** A command line that cannot be understood; its message says what is accepted. */
export class UsageError extends Error {}

/** Commands that take one exercise. */
const OF_ONE = ['run', 'check', 'hint', 'reset', 'solution', 'stop'] as const;

/** Commands that take none. */
const OF_ALL = ['serve', 'list', 'quiz', 'progress', 'interview'] as const;

export interface CommandLine {
  readonly command: 'verify' | 'homework' | 'language' | 'site' | (typeof OF_ALL)[number] | (typeof OF_ONE)[number];
  /** Of homework and site: the folder; of language: its code. */
  readonly exercises: readonly string[];
  readonly jobs: number;
  readonly port: number;
  readonly projects: readonly string[];
  readonly json: boolean;
  /** Of run and the page: leave up what was brought up. */
  readonly keep: boolean;
}

/**
 * Read it.
 * @returns undefined when help is asked for
 * @throws {UsageError}
 */
export function readCommandLine(args: readonly string[]): CommandLine | undefined {
  const { values, positionals } = parsed(args);
  if (values.help) return undefined;
  const [command = 'serve', ...exercises] = positionals;
  const line = {
    exercises,
    jobs: whole('--jobs', values.jobs, 1, 64),
    port: whole('--port', values.port, 0, 65_535),
    projects: values.project,
    json: values.json,
    keep: values.keep,
  };
  const ofAll = OF_ALL.find((each) => each === command);
  if (ofAll) {
    if (exercises.length > 0) throw new UsageError(`${command} takes no exercise`);
    return { command: ofAll, ...line };
  }
  if (command === 'verify') return { command, ...line };
  if (command === 'homework' || command === 'site') {
    if (exercises.length !== 1) throw new UsageError(`${command} takes one folder`);
    return { command, ...line };
  }
  if (command === 'language') {
    if (exercises.length !== 1) throw new UsageError('language takes one code: en, de or es');
    return { command, ...line };
  }
  const known = OF_ONE.find((each) => each === command);
  if (!known)
    throw new UsageError(
      `there is no command ${command}; commands are ${[...OF_ALL.slice(1), ...OF_ONE].join(', ')}, homework, language, site, verify`,
    );
  if (exercises.length !== 1) throw new UsageError(`${command} takes one exercise`);
  return { command: known, ...line };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        jobs: { type: 'string', default: '4' },
        port: { type: 'string', default: '0' },
        project: { type: 'string', multiple: true, default: [] },
        json: { type: 'boolean', default: false },
        keep: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
      allowPositionals: true,
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function whole(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new UsageError(`${name} ${text}: accepted is a whole number from ${least} to ${most}`);
}
