/** Fields of a test's messages. */
import type { ResponseFields } from './assess.ts';

export function fieldsOf(list: readonly (readonly [string, string])[]): ResponseFields {
  const getAll = (name: string): string[] =>
    list.filter(([each]) => each.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
  return {
    getAll,
    get(name) {
      const values = getAll(name);
      return values.length === 0 ? undefined : values.join(', ');
    },
    [Symbol.iterator]: () => list[Symbol.iterator](),
  };
}
