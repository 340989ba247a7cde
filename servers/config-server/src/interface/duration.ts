/** Spans of time in a query: `500ms`, `30s`. */
import { parseValue, Unacceptable } from '#kit/contract/parameter-types.ts';
import { Refusal } from '../access/refusal.ts';

/**
 * Read a span of time.
 * @param text what the query holds
 * @param bounds in milliseconds; `name` is for the error
 * @returns milliseconds; undefined when nothing was given
 * @throws {Refusal} malformed
 */
export function durationOf(
  text: string | undefined,
  { name, min, max }: { name: string; min: number; max: number },
): number | undefined {
  if (text === undefined) return undefined;
  try {
    return parseValue({ type: 'duration', unit: 's', min, max, description: name }, text) as number;
  } catch (error) {
    if (!(error instanceof Unacceptable)) throw error;
    throw new Refusal('malformed', `${name} ${error.message}; accepted is ${error.accepted}`);
  }
}
