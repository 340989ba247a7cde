/** A demo: the scenario's sentences, one a step, with what was seen. */
import { chalk } from 'zx/core';
import { wrap } from '#kit/text/wrap.ts';
import type { Reporter } from '../events.ts';
import { dimLines, failureLines, MARK, stepLines, WIDTH } from './text.ts';

/** @param print takes a line */
export function demoReporter(print: (line: string) => void): Reporter {
  let step = 0;
  const steps = (good: boolean, text: string, ms: number | undefined): void =>
    stepLines(good ? MARK.passed : MARK.failed, text, ms, 4).forEach(print);
  return {
    on(event) {
      switch (event.event) {
        case 'note':
          for (const line of dimLines(event.text, 4)) print(line);
          break;
        case 'phase':
          if (event.phase === 'up' && event.state === 'start') print('\n    Bringing the stack up …');
          else if (event.phase !== 'check' && event.state !== 'start')
            steps(event.state === 'done', event.phase, event.ms);
          break;
        case 'obligation':
          if (event.state === 'start') {
            step += 1;
            const [first = '', ...rest] = wrap(event.say ?? `The stack must ${event.name}.`, 4, WIDTH);
            print(`\n${chalk.cyan(String(step).padStart(2))}  ${chalk.bold(first.trimStart())}`);
            for (const line of rest) print(chalk.bold(line));
          } else if (event.state !== 'skipped') {
            steps(event.state === 'passed', event.name, event.ms);
            if (event.failure) for (const line of wrap(event.failure.message, 6, WIDTH)) print(chalk.red(line));
          }
          break;
        case 'say':
          for (const line of dimLines(event.text, 6)) print(line);
          break;
        case 'result':
          for (const failure of event.result.failures) for (const line of failureLines(failure)) print(line);
          break;
        case 'plan':
        case 'output':
      }
    },
  };
}
