/** A live step list: what ended stays as a line, what goes on is redrawn below with its time. */
import { createLogUpdate } from 'log-update';
import { chalk } from 'zx/core';
import { wrap } from '#kit/text/wrap.ts';
import type { Reporter, RunEvent } from '../events.ts';
import { dimLines, MARK, resultLines, stepLines, WIDTH } from './text.ts';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const REDRAW = 100;

export interface LiveOptions {
  readonly stream: NodeJS.WriteStream;
  /** More than one stack runs: every line names its own. */
  readonly several: boolean;
  readonly verbose: boolean;
}

/** @param options see LiveOptions */
export function liveReporter({ stream, several, verbose }: LiveOptions): Reporter {
  const draw = createLogUpdate(stream);
  const running = new Map<string, { text: string; since: number }>();
  let frame = 0;
  const redraw = (): void => {
    frame = (frame + 1) % FRAMES.length;
    const lines = [...running.values()].flatMap(({ text, since }) =>
      stepLines(chalk.cyan(FRAMES[frame]!), text, performance.now() - since),
    );
    draw(lines.join('\n'));
  };
  const timer = setInterval(redraw, REDRAW);
  const keep = (...lines: string[]): void => {
    draw.clear();
    stream.write(`${lines.join('\n')}\n`);
    redraw();
  };
  const label = (event: { stack?: string }, text: string): string =>
    several && event.stack ? `${event.stack.padEnd(9)} ${text}` : text;
  const begin = (key: string, text: string): void => {
    running.set(key, { text, since: performance.now() });
  };
  const end = (key: string, passed: boolean, text: string, ms: number | undefined): void => {
    running.delete(key);
    keep(...stepLines(passed ? MARK.passed : MARK.failed, text, ms));
  };

  const on = (event: RunEvent): void => {
    switch (event.event) {
      case 'note':
        keep(...dimLines(event.text, 4));
        break;
      case 'phase': {
        // The scenario's own steps stand for its phase.
        if (event.phase === 'check') break;
        const key = `${event.run ?? ''}/${event.phase}`;
        if (event.state === 'start') begin(key, label(event, event.phase));
        else end(key, event.state === 'done', label(event, event.phase), event.ms);
        break;
      }
      case 'obligation': {
        const key = `${event.run}#${event.index}`;
        if (event.state === 'start') begin(key, label(event, event.name));
        else if (event.state === 'skipped')
          keep(
            ...stepLines(MARK.skipped, label(event, event.name), undefined),
            ...dimLines(`skipped: ${event.reason}`, 4),
          );
        else end(key, event.state === 'passed', label(event, event.name), event.ms);
        if (event.failure)
          keep(
            ...event.failure.detail.split('\n').flatMap((line) => wrap(line, 6, WIDTH).map((each) => chalk.dim(each))),
          );
        break;
      }
      case 'say':
        keep(...dimLines(event.text, 4));
        break;
      case 'output':
        if (verbose)
          keep(
            ...event.text
              .trimEnd()
              .split('\n')
              .map((line) => chalk.dim(`    │ ${line}`)),
          );
        break;
      case 'result':
        for (const key of running.keys()) if (key.startsWith(`${event.run}#`)) running.delete(key);
        keep(...resultLines(event.result));
        break;
      case 'plan':
    }
  };
  return {
    on,
    close() {
      clearInterval(timer);
      running.clear();
      draw.clear();
      draw.done();
    },
  };
}
