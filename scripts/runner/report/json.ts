/** Every event as one JSON object a line. */
import type { Reporter } from '../events.ts';

/** @param print takes a line */
export function jsonReporter(print: (line: string) => void): Reporter {
  return { on: (event) => print(JSON.stringify(event)) };
}
