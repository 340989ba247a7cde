/** Which request a stored response answers besides its own (RFC 9111, section 4.1). */
import { digest } from './digest.ts';
import { namesOf, listOf, type FieldsView } from './fields.ts';

/** The fields that a response varies by, in lower case and order, with what its request had. */
export type Selecting = readonly (readonly [name: string, value: string | undefined])[];

/** Longer values are kept as their digest, in characters. */
const MAX_VALUE = 128;

/** Most names that are compared: a response with more is not shared. */
const MAX_NAMES = 32;

/**
 * What of a request selects a response.
 * @param response its Vary
 * @returns undefined for a response that no other request can have: `*`
 */
export function selectingFields(response: Pick<FieldsView, 'getAll'>, request: FieldsView): Selecting | undefined {
  const names = [...new Set(namesOf(response.getAll('vary')))].toSorted();
  if (names.includes('*') || names.length > MAX_NAMES) return undefined;
  return names.map((name) => [name, normalized(name, request.get(name))]);
}

/** Whether a request has what the stored response's request had. */
export function selects(selecting: Selecting, request: Pick<FieldsView, 'get'>): boolean {
  return selecting.every(([name, value]) => normalized(name, request.get(name)) === value);
}

/** Fields whose members are ranges in any order, with weights, in any case (RFC 9110, section 12.5). */
const WEIGHTED = new Set(['accept', 'accept-charset', 'accept-encoding', 'accept-language']);
/** Fields that are no lists: their commas mean something else. */
const SINGLE = new Set(['cookie', 'user-agent', 'referer', 'authorization', 'date', 'if-modified-since']);

/**
 * A field's value such that those that mean the same are the same (section 4.1: blanks where the syntax
 * allows them, several lines of one list, and what the field's own definition says does not matter).
 */
export function normalized(name: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  if (SINGLE.has(name) || (!WEIGHTED.has(name) && value.includes('"'))) return compact(value.trim());
  // What a list means is not known of others: an empty member may mean something, blanks round a comma do not.
  if (!WEIGHTED.has(name))
    return compact(
      value
        .split(/[ \t]*,[ \t]*/)
        .join(',')
        .trim(),
    );
  const members = listOf(value)
    .map((member) => member.toLowerCase().replace(/\s*;\s*/g, ';'))
    .toSorted();
  return compact(members.join(','));
}

/** Values are only compared: of a long one its digest is kept, behind what no value has. */
const compact = (value: string): string => (value.length > MAX_VALUE ? `\n${digest(value)}` : value);
