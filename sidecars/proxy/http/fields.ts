/**
 * The fields of a message that a proxy passes on, whatever protocol it came by and goes by. Fields
 * that concern one hop or the framing (Connection, Transfer-Encoding, Content-Length, Host and their
 * like) are not among them: those are the protocols' matter.
 *
 * Messages mostly pass through untouched, so the fields are kept as they came, and become a list of
 * names and values only when somebody reads or changes one.
 */

import { OTHER, kindOf } from './field-names.ts';

const NAME = /^[!#$%&'*+.^_`|~\w-]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** A name as CGI would tell it apart: it makes one variable of X-Forwarded-For, X_Forwarded_For and X.Forwarded.For. */
const fold = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '-');

const patterns = new Map<string, RegExp>();
const MAX_PATTERNS = 1024;

/** Finds a line of a field in text: told as loosely as `fold` does it. */
function nameIn(name: string): RegExp {
  const known = patterns.get(name);
  if (known !== undefined) return known;
  const pattern = new RegExp(`(?:^|\\n)${name.replace(/[^a-z0-9]/gi, '[^a-z0-9\\r\\n]')}:`, 'i');
  if (patterns.size < MAX_PATTERNS) patterns.set(name, pattern);
  return pattern;
}

export abstract class Fields {
  /** Name, value, name, value, …; undefined while nobody has asked for them. */
  #list: string[] | undefined;
  /** Whole lines that were added to what came. */
  protected added = '';
  /** A field that came was changed or removed, so that the message must be written anew from the list. */
  protected changed = false;

  /** The fields that came: name, value, name, value, … */
  protected abstract read(): string[];

  /** The fields that came as whole lines, where they are there as such. */
  protected wholeLines(): string | undefined {
    return undefined;
  }

  /** Text that has all fields' lines, and perhaps others, where there is such. */
  protected allLines(): string | undefined {
    return this.wholeLines();
  }

  /** No field is called so, or as CGI would take for the same: told without making the list, so true is certain. */
  #lacks(name: string): boolean {
    if (this.changed) return false;
    const lines = this.allLines();
    if (lines === undefined) return false;
    const pattern = nameIn(name);
    return !pattern.test(lines) && (this.added === '' || !pattern.test(this.added));
  }

  /** The value of a field that came once, read from its line; undefined where only the list can tell. */
  #once(name: string): string | undefined {
    if (this.changed || this.#list !== undefined || this.added !== '' || kindOf(name) !== OTHER) return undefined;
    const lines = this.allLines();
    if (lines === undefined) return undefined;
    const pattern = nameIn(name);
    const found = lines.search(pattern);
    if (found === -1) return undefined;
    const start = lines[found] === '\n' ? found + 1 : found;
    const end = lines.indexOf('\r\n', start);
    const rest = lines.slice(end);
    const spelt = lines.slice(start, start + name.length);
    // One that is spelt otherwise, or is there again, is left to the list.
    if (spelt.toLowerCase() !== name.toLowerCase() || pattern.test(rest)) return undefined;
    return trimBlanks(lines, start + name.length + 1, end);
  }

  #fields(): string[] {
    if (this.#list === undefined) {
      this.#list = this.read();
      pushLines(this.#list, this.added);
    }
    return this.#list;
  }

  /** The value of a field; of several, their values with commas between. @returns undefined when there is none */
  get(name: string): string | undefined {
    const once = this.#once(name);
    if (once !== undefined) return once;
    const values = this.getAll(name);
    return values.length === 0 ? undefined : values.join(', ');
  }

  /** The values of all fields of a name, in their order. */
  getAll(name: string): string[] {
    if (this.#lacks(name)) return [];
    const wanted = name.toLowerCase();
    const list = this.#fields();
    const values: string[] = [];
    for (let index = 0; index < list.length; index += 2) {
      const each = list[index]!;
      if (each.length === wanted.length && each.toLowerCase() === wanted) values.push(list[index + 1]!);
    }
    return values;
  }

  has(name: string): boolean {
    return this.getAll(name).length > 0;
  }

  /** Names as they were spelt, and values, in their order. */
  *[Symbol.iterator](): Generator<readonly [name: string, value: string]> {
    const list = this.#fields();
    for (let index = 0; index < list.length; index += 2) yield [list[index]!, list[index + 1]!];
  }

  /** Replace all fields of a name by one. @throws {TypeError} for what is not a name or a value */
  set(name: string, value: string): void {
    this.delete(name);
    this.append(name, value);
  }

  /** Add a field after all others. @throws {TypeError} for what is not a name or a value */
  append(name: string, value: string): void {
    if (!NAME.test(name) || !VALUE.test(value)) throw new TypeError(`not a field: ${JSON.stringify([name, value])}`);
    this.appendLines(`${name}: ${value}\r\n`);
  }

  /**
   * Add fields that are known to be well formed.
   * @param lines whole lines, each with its CRLF
   */
  appendLines(lines: string): void {
    this.added += lines;
    if (this.#list !== undefined) pushLines(this.#list, lines);
  }

  /** Remove all fields of a name, also where it is spelt as only CGI would take it for the same. */
  delete(name: string): void {
    if (this.#lacks(name)) return;
    const wanted = fold(name);
    const list = this.#fields();
    let to = 0;
    for (let index = 0; index < list.length; index += 2) {
      if (list[index]!.length === wanted.length && fold(list[index]!) === wanted) continue;
      list[to++] = list[index]!;
      list[to++] = list[index + 1]!;
    }
    if (to === list.length) return;
    list.length = to;
    this.changed = true;
  }

  /** Nobody has read or changed a field, so that the message may still be edited where it lies. */
  protected get unread(): boolean {
    return this.#list === undefined;
  }

  /** All fields as whole lines. */
  lines(): string {
    if (this.#list === undefined) {
      const whole = this.wholeLines();
      if (whole !== undefined) return whole + this.added;
    }
    const list = this.#fields();
    let text = '';
    for (let index = 0; index < list.length; index += 2) text += `${list[index]!}: ${list[index + 1]!}\r\n`;
    return text;
  }
}

/** Add well formed lines to a list of names and values. */
export function pushLines(list: string[], lines: string): void {
  let start = 0;
  while (start < lines.length) {
    const end = lines.indexOf('\r\n', start);
    const colon = lines.indexOf(':', start);
    list.push(lines.slice(start, colon), trimBlanks(lines, colon + 1, end));
    start = end + 2;
  }
}

/** A part of a text without the blanks round it; other characters that `trim` takes belong to a value. */
export function trimBlanks(text: string, start: number, end: number): string {
  let from = start;
  let to = end;
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

const isBlank = (code: number): boolean => code === 32 || code === 9;
