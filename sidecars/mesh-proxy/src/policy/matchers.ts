/** What texts and fields are compared with, made ready once for all requests. */
import type { Request } from '#proxy/http/request.ts';
import type { HeaderMatch, QueryMatch, StringMatch } from '#mesh/model/match.ts';
import { ConfigurationRefused } from '#mesh/model/source.ts';

export type TextTest = (text: string) => boolean;
export type FieldsTest = (request: Request) => boolean;

/**
 * What a request says under a name that xDS has for it: `:method`, `:path` with the query, `:authority`, which is Host as
 * well, or a field's.
 */
export function readField(request: Request, name: string): string | undefined {
  switch (name.toLowerCase()) {
    case ':method':
      return request.method;
    case ':path':
      return request.target;
    case ':authority':
    case 'host':
      return request.authority;
    default:
      return request.get(name);
  }
}

/** @param where for the message of a refusal */
export function textTest(match: StringMatch, where: string): TextTest {
  if ('regex' in match) {
    const expression = regularExpression(match.regex, where);
    return (text) => expression.test(text);
  }
  const fold =
    match.ignoreCase === true ? (text: string): string => text.toLowerCase() : (text: string): string => text;
  if ('exact' in match) {
    const exact = fold(match.exact);
    return (text) => fold(text) === exact;
  }
  if ('prefix' in match) {
    const prefix = fold(match.prefix);
    return (text) => fold(text).startsWith(prefix);
  }
  if ('suffix' in match) {
    const suffix = fold(match.suffix);
    return (text) => fold(text).endsWith(suffix);
  }
  if ('contains' in match) {
    const contains = fold(match.contains);
    return (text) => fold(text).includes(contains);
  }
  throw new ConfigurationRefused(`${where}: none of exact, prefix, suffix, contains, regex`);
}

/** An expression that must fit the whole text. @throws {ConfigurationRefused} */
export function regularExpression(source: string, where: string): RegExp {
  try {
    return new RegExp(`^(?:${source})$`, 'v');
  } catch (error) {
    throw new ConfigurationRefused(`${where}: ${(error as Error).message}`);
  }
}

/** All of the conditions. */
export function fieldsTest(matches: readonly HeaderMatch[] | undefined, where: string): FieldsTest | undefined {
  if (matches === undefined || matches.length === 0) return undefined;
  const tests = matches.map((match, index) => fieldTest(match, `${where}[${index}]`));
  return (request) => tests.every((test) => test(request));
}

function fieldTest({ name, value, range, invert = false }: HeaderMatch, where: string): FieldsTest {
  const text = value === undefined ? undefined : textTest(value, where);
  const fits = (found: string | undefined): boolean => {
    if (found === undefined) return false;
    if (range !== undefined) {
      const number = /^-?\d{1,15}$/.test(found) ? Number(found) : NaN;
      return number >= range.from && number < range.to;
    }
    return text === undefined || text(found);
  };
  return (request) => fits(readField(request, name)) !== invert;
}

/** All of the parameters of the query, decoded as forms are (WHATWG URL, application/x-www-form-urlencoded). */
export function queryTest(matches: readonly QueryMatch[] | undefined, where: string): FieldsTest | undefined {
  if (matches === undefined || matches.length === 0) return undefined;
  const tests = matches.map(({ name, value }, index) => ({
    name,
    test: value === undefined ? () => true : textTest(value, `${where}[${index}]`),
  }));
  return ({ target }) => {
    const start = target.indexOf('?');
    if (start === -1) return false;
    const query = new URLSearchParams(target.slice(start + 1));
    return tests.every(({ name, test }) => {
      const found = query.get(name);
      return found !== null && test(found);
    });
  };
}
