/** Words and lines that the reporters for people share. */
import { stripVTControlCharacters } from 'node:util';
import { chalk } from 'zx/core';
import { wrap } from '#kit/text/wrap.ts';
import type { Failure, RunResult } from '../events.ts';

/** Columns of the terminal, between those of a page of text; 80 where there is none. */
export const WIDTH = Math.min(120, Math.max(60, process.stdout.columns ?? 80));

export const MARK = { passed: chalk.green('✓'), failed: chalk.red('✗'), skipped: chalk.dim('–') } as const;

/** `12.3s` */
export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)}s`;

/**
 * One step, its time at the right edge of its first line; what does not fit goes on below.
 * @param mark one column
 */
export function stepLines(mark: string, text: string, ms: number | undefined, indent = 2, width = WIDTH): string[] {
  const time = ms === undefined ? '' : seconds(ms);
  const room = width - indent - 2 - time.length - 1;
  const [first = '', ...rest] = wrap(stripVTControlCharacters(text), 0, room);
  // Colour is kept where it can be: on one line.
  const shown = rest.length === 0 ? text : first;
  return [
    `${' '.repeat(indent)}${mark} ${shown}${' '.repeat(Math.max(0, room - first.length))} ${chalk.dim(time)}`.trimEnd(),
    ...rest.map((line) => `${' '.repeat(indent + 2)}${line}`),
  ];
}

/** Something worth seeing beside a step, wrapped. */
export const dimLines = (text: string, indent: number): string[] =>
  wrap(text, indent, WIDTH).map((line) => chalk.dim(line));

/** The paragraph of one failure: what, which container, its last lines, where to read on. */
export function failureLines(failure: Failure): string[] {
  const [first = '', ...rest] = failure.message.split('\n');
  return [
    ...wrap(first, 2, WIDTH).map((line) => chalk.red(line)),
    ...rest.map((line) => `  ${line}`),
    ...(failure.log?.length
      ? [
          chalk.dim(`  last lines${failure.container ? ` of ${failure.container}` : ''}:`),
          ...failure.log.map((line) => chalk.dim(`  │ ${line}`)),
        ]
      : []),
    ...(failure.artifacts ? [`  more in ${failure.artifacts}/`] : []),
  ];
}

/** How one run ended, in one line and, where it failed, its failures. */
export function resultLines(result: RunResult): string[] {
  const passed = result.obligations.filter((each) => each.state === 'passed').length;
  const skipped = result.obligations.filter((each) => each.state === 'skipped').length;
  const failed = result.obligations.length - passed - skipped;
  const counts = [
    `${passed} passed`,
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
    ...(failed > 0 ? [`${failed} failed or not run`] : []),
  ].join(', ');
  const label = result.obligations.length === 0 ? result.stack : `${result.stack}: ${counts}`;
  return [
    '',
    ...stepLines(result.ok ? MARK.passed : MARK.failed, chalk.bold(label), result.ms, 0),
    ...result.failures.flatMap(failureLines),
  ];
}
