/** Cookies (RFC 6265): those of the sidecar, taken out of a request and put into a response. */

/** Browsers keep 4096 bytes a cookie, name and attributes included. */
const CHUNK = 3800;
/** Most parts of one value: more would not fit into a request's head. */
const MAX_CHUNKS = 4;
/** Most characters of a value that `writeCookie` takes. */
export const MAX_COOKIE_VALUE = CHUNK * MAX_CHUNKS;

export interface Cookies {
  /** The sidecar's: values by name. */
  readonly own: ReadonlyMap<string, string>;
  /** The rest of the field, for the application; '' for none. */
  readonly rest: string;
}

/**
 * Tell the sidecar's cookies from the application's.
 * @param field the Cookie field's value; several fields with semicolons between
 * @param ours name of the session cookie; all others of the sidecar begin with it and a hyphen
 */
export function splitCookies(field: string, ours: string): Cookies {
  const own = new Map<string, string>();
  const rest: string[] = [];
  for (const part of field.split(';')) {
    const pair = part.trim();
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = equals === -1 ? pair : pair.slice(0, equals).trimEnd();
    if (name !== ours && !(name.startsWith(ours) && name[ours.length] === '-')) rest.push(pair);
    // The first of a name is the one of the longest path; a __Host- name can have one only.
    else if (equals !== -1 && !own.has(name)) own.set(name, pair.slice(equals + 1));
  }
  return { own, rest: rest.join('; ') };
}

/** A value that `writeCookie` spread over several cookies; '' for none. */
export function readCookie(own: ReadonlyMap<string, string>, name: string): string {
  const whole = own.get(name);
  if (whole !== undefined && !/^\d$/.test(whole)) return whole;
  const count = Number(whole ?? 0);
  if (count > MAX_CHUNKS) return '';
  let value = '';
  for (let index = 1; index <= count; index++) value += own.get(`${name}-${index}`) ?? '';
  return value;
}

export interface CookieAttributes {
  /** The scheme is https, or the name demands it. */
  readonly secure: boolean;
  /** In seconds; absent: until the browser closes. */
  readonly maxAge?: number;
}

/**
 * The Set-Cookie values of a value, which may be longer than one cookie: then the cookie of the name
 * says how many follow, NAME-1, NAME-2, …
 * @param before cookies of the request, so that parts of a longer former value are removed
 */
export function writeCookie(
  name: string,
  value: string,
  attributes: CookieAttributes,
  before: ReadonlyMap<string, string> = new Map(),
): string[] {
  const parts: string[] = [];
  if (value.length > CHUNK)
    for (let start = 0; start < value.length; start += CHUNK) parts.push(value.slice(start, start + CHUNK));
  const lines = [line(name, parts.length === 0 ? value : String(parts.length), attributes)];
  for (const [index, part] of parts.entries()) lines.push(line(`${name}-${index + 1}`, part, attributes));
  for (let index = parts.length + 1; index <= MAX_CHUNKS; index++)
    if (before.has(`${name}-${index}`)) lines.push(line(`${name}-${index}`, '', { ...attributes, maxAge: 0 }));
  return lines;
}

/** Set-Cookie values that remove a value and all its parts. */
export const removeCookie = (
  name: string,
  secure: boolean,
  before: ReadonlyMap<string, string> = new Map(),
): string[] => writeCookie(name, '', { secure, maxAge: 0 }, before);

function line(name: string, value: string, { secure, maxAge }: CookieAttributes): string {
  // Lax: sent with a link from elsewhere, which a login's way back is, and with no other request from there.
  return `${name}=${value}; Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}${maxAge === undefined ? '' : `; Max-Age=${maxAge}`}`;
}
