/** A demo: the scenario's sentences, one a step, with what was seen. */
import { chalk } from 'zx/core';
import { wrap } from '#kit/wrap.ts';
import type { Reporter } from '../events.ts';
import { asides, failureLines, MARK, stepLine, WIDTH } from './text.ts';

/** @param print takes a line */
export function demoReporter(print: (line: string) => void): Reporter {
  let step = 0;
  return {
    on(event) {
      switch (event.event) {
        case 'note':
          for (const line of asides(event.text, 4)) print(line);
          break;
        case 'phase':
          if (event.phase === 'up' && event.state === 'start') print('\n    Bringing the stack up …');
          else if (event.phase !== 'check' && event.state !== 'start')
            print(stepLine(event.state === 'done' ? MARK.passed : MARK.failed, event.phase, event.ms, 4));
          break;
        case 'obligation':
          if (event.state === 'start') {
            step += 1;
            const [first = '', ...rest] = wrap(event.say ?? `The stack must ${event.name}.`, 4, WIDTH);
            print(`\n${chalk.cyan(String(step).padStart(2))}  ${chalk.bold(first.trimStart())}`);
            for (const line of rest) print(chalk.bold(line));
          } else {
            print(stepLine(event.state === 'passed' ? MARK.passed : MARK.failed, event.name, event.ms, 4));
            if (event.failure) print(chalk.red(`      ${event.failure.message}`));
          }
          break;
        case 'say':
          for (const line of asides(event.text, 6)) print(line);
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
