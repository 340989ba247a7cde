/** What the policy reads of a message: its fields, and nothing else of it. */

/** Fields by name, whatever the case of its letters. `Request` and `Response` of the proxy are such. */
export interface FieldsView {
  /** The values of all fields of a name, with commas between; undefined when there is none. */
  get(name: string): string | undefined;
  /** One value a field, in their order. */
  getAll(name: string): readonly string[];
}

/**
 * The members of a comma-separated list (RFC 9110, section 5.6.1), commas within quoted strings apart.
 * @returns members without the blanks round them; empty ones are left out
 */
export function listOf(value: string): string[] {
  const members: string[] = [];
  let start = 0;
  let quoted = false;
  for (let at = 0; at <= value.length; at++) {
    const code = at === value.length ? COMMA : value.charCodeAt(at);
    if (quoted && at < value.length) {
      if (code === BACKSLASH) at++;
      else if (code === QUOTE) quoted = false;
    } else if (code === QUOTE) quoted = true;
    else if (code === COMMA) {
      const member = value.slice(start, at).trim();
      if (member !== '') members.push(member);
      start = at + 1;
    }
  }
  // A quoted string that ends after its last backslash.
  if (start < value.length) members.push(value.slice(start).trim());
  return members;
}

const COMMA = 44;
const QUOTE = 34;
const BACKSLASH = 92;

/** A list of field names, in lower case. */
export const namesOf = (values: readonly string[]): string[] =>
  values.flatMap((value) => listOf(value)).map((name) => name.toLowerCase());
