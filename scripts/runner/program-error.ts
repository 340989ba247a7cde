/** Why a Node process that ran a file ended, read from what it printed. */
import { lastLines } from '../lib/run.ts';

export interface Crash {
  /** The error that ended it, with its causes, in one line; undefined when none was printed. */
  readonly message: string | undefined;
  readonly details: {
    /** The last lines that it printed. */
    readonly log: readonly string[];
    /** Line of the file. */
    readonly line?: number;
  };
}

const LOG_LINES = 15;
/** `SyntaxError: …`, `TypeError [ERR_X]: …`, also behind `Uncaught `. */
const ERROR = /^(?:Uncaught )?(\[?(?:[A-Z]\w*)?(?:Error|Exception|Rejection)\b(?: \[\w+\])?: .*)$/;
const CAUSE = /^\s*\[cause\]: (.*?)(?: \{)?$/;

/**
 * Read a crash.
 * @param output stdout and stderr
 * @param file absolute path of the program
 */
export function crashIn(output: string, file: string): Crash {
  const lines = output.split('\n');
  const at = lines.findLastIndex((line) => ERROR.test(line));
  const causes = lines.slice(at + 1).flatMap((line) => CAUSE.exec(line)?.[1] ?? []);
  const message =
    at === -1 ? undefined : [ERROR.exec(lines[at]!)![1]!.replace(/ \{$/, ''), ...causes.slice(0, 3)].join(': ');
  const found = new RegExp(`${RegExp.escape(file)}:(\\d+)`).exec(output)?.[1];
  return {
    message,
    details: { log: lastLines(output, LOG_LINES), ...(found !== undefined && { line: Number(found) }) },
  };
}
