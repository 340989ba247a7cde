/** How lines become documents, after the parameters or a pipeline of its own. */
import { hostname } from 'node:os';
import type { LineSettings } from './settings.ts';
import { Documents, member } from './document.ts';
import { compilePattern, Rules } from './rules.ts';
import { Splitter } from './splitter.ts';
import { compileTimePattern } from './time-pattern.ts';

export interface Lines {
  readonly documents: Documents;
  readonly splitter: Splitter;
  /** Members of every document, as JSON text. */
  readonly members: string;
}

/**
 * Make what treats lines.
 * @param limit the most bytes of an event's text
 * @throws {ConfigurationError} when a pattern is not accepted
 */
export function createLines(settings: LineSettings, limit: number): Lines {
  const { MULTILINE_START, LABELS = [], LINE_TIME, LINE_TIME_PATTERN } = settings;
  const labels = LABELS.map((label) => {
    const at = label.indexOf('=');
    return [`labels.${label.slice(0, at)}`, label.slice(at + 1)] as const;
  });
  const own = ['@timestamp', 'log.file.path', 'log.offset', 'log.flags', 'host.name', ...labels.map(([name]) => name)];
  return {
    documents: new Documents({
      rules: new Rules(settings),
      limit,
      ours: own,
      detectTime: LINE_TIME === 'detect',
      readTime:
        LINE_TIME_PATTERN === undefined ? undefined : compileTimePattern('LINE_TIME_PATTERN', LINE_TIME_PATTERN),
    }),
    splitter: new Splitter(
      MULTILINE_START === undefined ? undefined : compilePattern('MULTILINE_START', MULTILINE_START),
    ),
    members: [member('host.name', hostname()), ...labels.map(([name, value]) => member(name, value))].join(''),
  };
}
