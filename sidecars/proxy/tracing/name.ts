/** What spans of HTTP are called: https://opentelemetry.io/docs/specs/semconv/http/http-spans/#name */
import { METHODS } from '#proxy/http/methods.ts';

/**
 * `{method} {route}`, or the method alone: a path is not one of few, and neither is a method that nobody knows.
 * @param route the pattern that the path fits
 */
export function spanName(method: string | undefined, route: string | undefined): string {
  const known = method !== undefined && METHODS.has(method) ? method : 'HTTP';
  return route === undefined ? known : `${known} ${route}`;
}
