/** What the cache has to know of a request, read in one pass over its fields. */
import { FORWARDED, kindOf } from '#proxy/http/field-names.ts';
import { portOf } from '#proxy/http/host.ts';

export interface RequestFacts {
  readonly scheme: 'http' | 'https';
  /** Names an input that changes answers and is not in the key: the cache lets such a request pass. */
  readonly bypass: string | undefined;
  /** It says who asks, by Authorization or otherwise. */
  readonly authorized: boolean;
  /** Of all Cookie fields. */
  readonly cookie: string | undefined;
  /** It has a Cache-Control. */
  readonly directives: boolean;
  /** If-None-Match or If-Modified-Since. */
  readonly conditional: boolean;
  readonly range: boolean;
  /** If-Match or If-Unmodified-Since: the application's to judge. */
  readonly precondition: boolean;
  /** See StoringRequest. */
  readonly unusual: boolean;
  /** A port that a proxy in front names, and that Host does not: redirects are made of it. */
  readonly port: string | undefined;
}

/** A field of this length, or fields of this size together, exceed what browsers send: some servers refuse them. */
const LONG_FIELD = 2048;
const LONG_HEAD = 6144;

const OTHER = 0;
const AUTHORIZATION = 1;
const COOKIE = 2;
const CACHE_CONTROL = 3;
const CONDITIONAL = 4;
const RANGE = 5;
const PRECONDITION = 6;
const BYPASS = 7;
const PROTO = 8;
const HOST = 9;
const PORT = 10;
const FORWARDED_FIELD = 11;
const CLIENT = 12;
const IDENTITY = 13;
const FORWARDED_OTHER = 14;

const CODES: Readonly<Record<string, number>> = {
  authorization: AUTHORIZATION,
  // What the auth sidecar, and others in its place, read and write.
  'x-api-key': AUTHORIZATION,
  'remote-user': AUTHORIZATION,
  'x-remote-user': AUTHORIZATION,
  'x-auth-request-user': AUTHORIZATION,
  'x-auth-request-email': AUTHORIZATION,
  'x-auth-request-preferred-username': AUTHORIZATION,
  'x-auth-request-groups': AUTHORIZATION,
  'x-auth-request-access-token': AUTHORIZATION,
  cookie: COOKIE,
  'cache-control': CACHE_CONTROL,
  'if-none-match': CONDITIONAL,
  'if-modified-since': CONDITIONAL,
  range: RANGE,
  'if-match': PRECONDITION,
  'if-unmodified-since': PRECONDITION,
  // Frameworks take another method, another URL or another host from these.
  'x-http-method-override': BYPASS,
  'x-http-method': BYPASS,
  'x-method-override': BYPASS,
  'x-original-url': BYPASS,
  'x-rewrite-url': BYPASS,
  'x-original-host': BYPASS,
  'x-host': BYPASS,
  'x-http-host-override': BYPASS,
  'x-forwarded-proto': PROTO,
  'x-forwarded-host': HOST,
  'x-forwarded-port': PORT,
  'x-forwarded-for': CLIENT,
  'x-real-ip': CLIENT,
  forwarded: FORWARDED_FIELD,
  'x-forwarded-client-cert': IDENTITY,
  'x-forwarded-user': IDENTITY,
  'x-forwarded-email': IDENTITY,
  'x-forwarded-groups': IDENTITY,
  'x-forwarded-preferred-username': IDENTITY,
  'x-forwarded-access-token': IDENTITY,
};

const codes = new Map<string, number>();
const MAX_CODES = 1024;

/** A name's code, told as loosely as CGI tells names apart. */
function codeOf(name: string): number {
  const known = codes.get(name);
  if (known !== undefined) return known;
  const folded = name.toLowerCase().replace(/[^a-z0-9]/g, '-');
  let code = Object.hasOwn(CODES, folded) ? CODES[folded]! : OTHER;
  if (code === OTHER && kindOf(name) === FORWARDED) code = FORWARDED_OTHER;
  if (codes.size < MAX_CODES) codes.set(name, code);
  return code;
}

/**
 * @param fields names and values as they came
 * @param authority the Host
 * @param trusted whether what the client says of X-Forwarded-* is passed on
 * @param secure the client's own connection is TLS
 */
export function readFacts(
  fields: Iterable<readonly [string, string]>,
  authority: string,
  trusted: boolean,
  secure: boolean,
): RequestFacts {
  let scheme: 'http' | 'https' = secure ? 'https' : 'http';
  let bypass: string | undefined;
  let authorized = false;
  let cookie: string | undefined;
  let directives = false;
  let conditional = false;
  let range = false;
  let precondition = false;
  let longest = 0;
  let total = 0;
  let port: string | undefined;
  for (const [name, value] of fields) {
    total += name.length + value.length;
    if (value.length > longest) longest = value.length;
    const code = codeOf(name);
    if (code === OTHER || code === CLIENT) continue;
    if (code >= PROTO) {
      if (!trusted) continue;
      if (code === PROTO && /^https?$/i.test(value)) scheme = value.toLowerCase() as 'http' | 'https';
      else if (code === HOST && value.toLowerCase() === authority.toLowerCase()) continue;
      else if (code === PORT && /^\d{1,5}$/.test(value)) port = value;
      else if (code === FORWARDED_FIELD && !namesOtherHost(value, authority)) continue;
      else if (code === IDENTITY) authorized = true;
      else bypass ??= name;
    } else if (code === AUTHORIZATION) authorized = true;
    else if (code === COOKIE) cookie = cookie === undefined ? value : `${cookie}; ${value}`;
    else if (code === CACHE_CONTROL) directives = true;
    else if (code === CONDITIONAL) conditional = true;
    else if (code === RANGE) range = true;
    else if (code === PRECONDITION) precondition = true;
    else bypass ??= name;
  }
  if (port !== undefined && port === (portOf(authority) ?? (scheme === 'https' ? '443' : '80'))) port = undefined;
  return {
    scheme,
    bypass,
    authorized,
    cookie,
    directives,
    conditional,
    range,
    precondition,
    unusual: longest > LONG_FIELD || total > LONG_HEAD,
    port,
  };
}

/** Forwarded (RFC 7239, section 5.3) with another host than Host's. */
function namesOtherHost(value: string, authority: string): boolean {
  const host = /(?:^|[;,\s])host=(?:"([^"]*)"|([^;,\s]*))/i.exec(value);
  return host !== null && (host[1] ?? host[2])!.toLowerCase() !== authority.toLowerCase();
}
