/** Plain lines, one an event: for logs and CI. */
import type { Reporter } from '../events.ts';
import { resultLines, seconds } from './text.ts';

/**
 * @param print takes a line
 * @param verbose also what the scenario prints
 */
export function plainReporter(print: (line: string) => void, verbose: boolean): Reporter {
  return {
    on(event) {
      switch (event.event) {
        case 'note':
          print(event.text);
          break;
        case 'phase':
          if (event.state !== 'start')
            print(`${event.stack ? `[${event.stack}] ` : ''}${event.phase} ${event.state} (${seconds(event.ms ?? 0)})`);
          break;
        case 'obligation':
          if (event.state === 'start') break;
          if (event.state === 'skipped') {
            print(`[${event.stack}] skipped must ${event.name}: ${event.reason}`);
            break;
          }
          print(
            `[${event.stack}] ${event.state === 'passed' ? 'ok' : 'FAILED'} must ${event.name} (${seconds(event.ms ?? 0)})`,
          );
          if (event.failure) for (const line of event.failure.detail.split('\n')) print(`[${event.stack}]   ${line}`);
          break;
        case 'say':
          print(`[${event.stack}]   ${event.text}`);
          break;
        case 'output':
          if (verbose) for (const line of event.text.trimEnd().split('\n')) print(`[${event.stack}] | ${line}`);
          break;
        case 'result':
          for (const line of resultLines(event.result)) print(line);
          break;
        case 'plan':
      }
    },
  };
}
