/** What the rules ask of a request, whichever method the application takes it for. */
import type { Request } from '#proxy/http/request.ts';
import { stricter, type Access, type Rules } from './rules.ts';

/** Fields by which frameworks let a POST stand for another method, as CGI tells names apart. */
const OVERRIDE = /^x.http.method(?:.override)?$|^x.method.override$/i;
/** Most methods that are looked at; what names more is refused. */
const MAX_METHODS = 8;

/**
 * @returns the strictest of what the rules say about the request's own method and each that it may stand for (a `_method`
 * within a body is not seen); undefined for a path that is refused
 */
export function accessOf(rules: Rules, request: Request): Access | undefined {
  const { method, path } = request;
  const access = rules.access(method, path);
  if (access === undefined || !rules.nameMethods || method.toUpperCase() !== 'POST') return access;
  const others = overrides(request);
  if (others.size > MAX_METHODS) return { kind: 'deny' };
  return [...others].map((other) => rules.access(other, path) ?? access).reduce(stricter, access);
}

function overrides(request: Request): ReadonlySet<string> {
  const values: string[] = [];
  for (const [name, value] of request) if (OVERRIDE.test(name)) values.push(...value.split(','));
  const { target } = request;
  const query = new URLSearchParams(target.slice(request.path.length + 1));
  for (const [name, value] of query) if (name.trim() === '_method') values.push(value);
  return new Set(values.map((value) => value.trim().toUpperCase()).filter((value) => value !== ''));
}
