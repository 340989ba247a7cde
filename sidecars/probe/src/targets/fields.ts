/** Reading a document's fields one by one, with every mistake kept and named by its place. */
import { suggestion } from '#kit/text/suggestion.ts';

/** A mapping of a document, and where it stands in it. */
export class Fields {
  readonly where: string;
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #mistakes: string[];

  /**
   * @param value what should be a mapping
   * @param where its place, such as `[0].livenessProbe`
   * @param known the fields that it may have
   * @param mistakes gets one sentence a mistake
   */
  constructor(value: unknown, where: string, known: readonly string[], mistakes: string[]) {
    this.where = where;
    this.#mistakes = mistakes;
    const isMapping = typeof value === 'object' && value !== null && !Array.isArray(value);
    this.#values = isMapping ? (value as Record<string, unknown>) : {};
    if (!isMapping) this.wrong('', `is not a mapping with the fields ${known.join(', ')}`);
    for (const name of Object.keys(this.#values)) {
      if (!known.includes(name)) this.wrong(name, `is not a field${suggestion(name, known)}`);
    }
  }

  /** Note a mistake of a field, or of the mapping itself when the name is empty. */
  wrong(name: string, what: string): void {
    const place = name === '' ? this.where : `${this.where}.${name}`;
    this.#mistakes.push(`${place} ${what}`);
  }

  has(name: string): boolean {
    return this.value(name) !== undefined;
  }

  /** A field's value as it stands; an empty one counts as absent. */
  value(name: string): unknown {
    return Object.hasOwn(this.#values, name) ? (this.#values[name] ?? undefined) : undefined;
  }

  /** A mapping within, or undefined when it is absent. */
  within(name: string, known: readonly string[]): Fields | undefined {
    return this.has(name) ? this.item(this.value(name), name, known) : undefined;
  }

  /** A mapping that was found within, `name` being its place. */
  item(value: unknown, name: string, known: readonly string[]): Fields {
    return new Fields(value, `${this.where}.${name}`, known, this.#mistakes);
  }

  /** A whole number, or undefined when it is absent or wrong. */
  integer(name: string, min: number, max: number): number | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    this.wrong(name, `is ${show(value)}; accepted is a whole number, ${min} to ${max}`);
    return undefined;
  }

  /** A text of one line, or undefined when it is absent or wrong. */
  text(name: string, pattern: RegExp, accepted: string): string | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    if (typeof value === 'string' && pattern.test(value) && !/\p{Cc}/u.test(value)) return value;
    this.wrong(name, `is ${show(value)}; accepted is ${accepted}`);
    return undefined;
  }
}

/** A value for a message, cut. */
function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
