/** The command line of `npm run workshop`. */
import { parseArgs } from 'node:util';
import { LANGUAGES } from '../languages/languages.ts';
import { quoted, ReasonedError } from '../languages/reasons.ts';
import { why } from './why.ts';

/** A command line that cannot be understood; its message says what is accepted. */
export class UsageError extends ReasonedError {}

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
    if (exercises.length > 0) throw new UsageError(why('takesNoExercise', { command }));
    return { command: ofAll, ...line };
  }
  if (command === 'verify') return { command, ...line };
  if (command === 'homework' || command === 'site') {
    if (exercises.length !== 1) throw new UsageError(why('takesOneFolder', { command }));
    return { command, ...line };
  }
  if (command === 'language') {
    if (exercises.length !== 1) throw new UsageError(why('takesOneCode', { codes: Object.keys(LANGUAGES).join(', ') }));
    return { command, ...line };
  }
  const known = OF_ONE.find((each) => each === command);
  if (!known) {
    const all = [...OF_ALL.slice(1), ...OF_ONE, 'homework', 'language', 'site', 'verify'];
    throw new UsageError(why('noCommand', { command, known: all.join(', ') }));
  }
  if (exercises.length !== 1) throw new UsageError(why('takesOneExercise', { command }));
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
    // As Node.js says it.
    throw new UsageError(quoted((error as Error).message));
  }
}

function whole(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new UsageError(why('notWhole', { name, text, least, most }));
}
