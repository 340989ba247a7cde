/** Words and lines that the reporters for people share. */
import { stripVTControlCharacters } from 'node:util';
import { chalk } from 'zx/core';
import { wrap } from '#kit/wrap.ts';
import type { Failure, RunResult } from '../events.ts';

export const WIDTH = 80;

export const MARK = { passed: chalk.green('✓'), failed: chalk.red('✗'), skipped: chalk.dim('–') } as const;

/** `12.3s` */
export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)}s`;

/**
 * One step on one line, its time at the right edge.
 * @param mark one column
 * @param text cut where it does not fit
 */
export function stepLine(mark: string, text: string, ms: number | undefined, indent = 2): string {
  const time = ms === undefined ? '' : seconds(ms);
  const room = WIDTH - indent - 2 - time.length - 1;
  const length = stripVTControlCharacters(text).length;
  const shown =
    length > room ? `${stripVTControlCharacters(text).slice(0, room - 1)}…` : text + ' '.repeat(room - length);
  return `${' '.repeat(indent)}${mark} ${shown} ${chalk.dim(time)}`.trimEnd();
}

/** Something worth seeing beside a step, wrapped. */
export const asides = (text: string, indent: number): string[] =>
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
  const failed = result.obligations.length - passed;
  const counts = [`${passed} passed`, ...(failed > 0 ? [`${failed} failed or not run`] : [])].join(', ');
  const label = result.obligations.length === 0 ? result.stack : `${result.stack}: ${counts}`;
  return [
    '',
    stepLine(result.ok ? MARK.passed : MARK.failed, chalk.bold(label), result.ms, 0),
    ...result.failures.flatMap(failureLines),
  ];
}
