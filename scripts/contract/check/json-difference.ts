/** Where two pieces of JSON differ. */

export interface Difference {
  /** Keys from the root, `parameters.TLS_MODE.default`. */
  readonly path: string;
  /** Undefined where there is nothing. */
  readonly expected: unknown;
  readonly actual: unknown;
}

/** Every difference, leaf by leaf; lists count as leaves, since their order matters. */
export function differences(expected: unknown, actual: unknown, path = ''): Difference[] {
  if (isObject(expected) && isObject(actual)) {
    const keys = [...new Set([...Object.keys(expected), ...Object.keys(actual)])];
    return keys.flatMap((key) =>
      differences(own(expected, key), own(actual, key), path === '' ? key : `${path}.${key}`),
    );
  }
  return JSON.stringify(expected) === JSON.stringify(actual) ? [] : [{ path, expected, actual }];
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const own = (object: Record<string, unknown>, key: string): unknown =>
  Object.hasOwn(object, key) ? object[key] : undefined;

/** A value for a message, cut where it is long. */
export function excerpt(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 100 ? `${text.slice(0, 99)}…` : text;
}
