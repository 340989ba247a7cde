/**
 * What a record of named things has under a name that somebody else chose: `constructor` is a name like any other, and
 * not what every object of JavaScript has.
 * @returns undefined where there is none
 */
export function entryOf<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
