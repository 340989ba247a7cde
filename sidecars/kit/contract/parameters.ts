/**
 * All parameters of a sidecar, declared once and read once, before anything else happens.
 *
 * The environment is the interface; a flag of the same name overrides it (`--proxy-port 8080` for
 * `PROXY_PORT`). Every mistake is found in one go and named: the parameter, what was wrong, what is
 * accepted.
 */
import { readFileSync } from 'node:fs';
import { unreadable } from '../files/remedy.ts';
import { parseArgs } from 'node:util';
import { suggestion } from '../text/suggestion.ts';
import { Unacceptable, accepts, parseValue, type Parameter, type Value } from './parameter-types.ts';

export type Parameters = Readonly<Record<string, Parameter>>;
export type Values<P extends Parameters> = { readonly [Name in keyof P]: Value<P[Name]> };

/** One thing that is wrong with the configuration. */
export interface Problem {
  readonly parameter: string;
  readonly reason: 'missing' | 'malformed' | 'unknown' | 'conflict' | 'unreadable';
  readonly message: string;
}

/** The configuration cannot be used. `problems` lists everything that is wrong, one line each. */
export class ConfigurationError extends Error {
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]) {
    super(problems.map((problem) => problem.message).join('\n'));
    this.name = 'ConfigurationError';
    this.problems = problems;
  }
}

export interface Source {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Command line arguments after the program's name. */
  readonly args?: readonly string[];
  /** Beginnings of the names that belong to this sidecar: an undeclared one is an error. */
  readonly prefixes?: readonly string[];
  /** Read a secret's file; a test's seam. */
  readonly readFile?: (path: string) => string;
}

/** `PROXY_PORT` as a flag: `proxy-port`. */
export const flagOf = (name: string): string => name.toLowerCase().replaceAll('_', '-');

/**
 * Read every parameter.
 * @param declared the declarations, by name
 * @param source environment, arguments and the prefixes that are ours
 * @returns the values (durations in milliseconds, sizes in bytes) and warnings about deprecated names
 * @throws {ConfigurationError} with all that is wrong
 */
export function readParameters<P extends Parameters>(
  declared: P,
  source: Source,
): { values: Values<P>; warnings: string[] } {
  const problems: Problem[] = [];
  const warnings: string[] = [];
  const values: Record<string, unknown> = {};
  const flags = readFlags(declared, source.args ?? [], problems);

  for (const [name, parameter] of Object.entries(declared)) {
    let found: Found | undefined;
    try {
      found =
        find(name, parameter, source, flags, warnings) ??
        (parameter.default === undefined ? undefined : { name, text: parameter.default });
      if (found !== undefined) values[name] = parseValue(parameter, found.text);
      else if (parameter.required) {
        throw new Wrong(
          'missing',
          `${name} is not set; it is required: ${accepts(parameter)} (${parameter.description})`,
        );
      }
    } catch (error) {
      problems.push(problemOf(error, name, found, parameter.secret));
    }
  }
  problems.push(...unknownNames(declared, source));
  if (problems.length > 0) throw new ConfigurationError(problems);
  return { values: values as Values<P>, warnings };
}

/** A problem on its way to the list. */
class Wrong extends Error {
  readonly reason: Problem['reason'];
  constructor(reason: Problem['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

/** Where a value was found and what it says. */
interface Found {
  readonly name: string;
  readonly text: string;
}

/** One parameter's text, from flags before the environment; each by its name, its file or a former name. */
function find(name: string, parameter: Parameter, source: Source, flags: Flags, warnings: string[]): Found | undefined {
  const former = parameter.deprecated ?? [];
  const byFlag = choose(
    parameter,
    flags.get(name),
    former.flatMap((alias) => flags.get(alias) ?? []),
    `--${flagOf(name)}`,
    warnings,
  );
  if (byFlag !== undefined) return byFlag;

  const current = lookUp(name, parameter, source);
  const byFormerNames = former.flatMap((alias) => lookUp(alias, parameter, source) ?? []);
  // An image's ENV holds every default, so a current name at its default does not count as set.
  const word = current?.text === parameter.default ? undefined : current;
  return choose(parameter, word, byFormerNames, name, warnings) ?? current;
}

/** The value that a user means by a current name and by former ones, which may not contradict each other. */
function choose(
  parameter: Parameter,
  current: Found | undefined,
  former: readonly Found[],
  name: string,
  warnings: string[],
): Found | undefined {
  for (const found of former) warnings.push(`${found.name} is deprecated and will go: use ${name}`);
  const [first, ...others] = [...(current ? [current] : []), ...former];
  const other = others.find((found) => !sameValue(parameter, found.text, first!.text));
  if (other)
    throw new Wrong(
      'conflict',
      `${first!.name} and ${other.name} (deprecated) are both set, to different values: keep ${name} only`,
    );
  return first;
}

/** `60s` and `1m` are one value in two spellings. */
function sameValue(parameter: Parameter, a: string, b: string): boolean {
  try {
    return a === b || JSON.stringify(parseValue(parameter, a)) === JSON.stringify(parseValue(parameter, b));
  } catch {
    return false;
  }
}

/** A name's value, or the content of the file that NAME_FILE names; an empty value counts as not set. */
function lookUp(name: string, parameter: Parameter, source: Source): Found | undefined {
  const text = source.env[name] || undefined;
  const path = parameter.secret ? source.env[`${name}_FILE`] || undefined : undefined;
  if (path === undefined) return text === undefined ? undefined : { name, text };
  if (text !== undefined) throw new Wrong('conflict', `${name} and ${name}_FILE are both set: keep one`);
  let content: string;
  try {
    const read = source.readFile ?? ((file: string) => readFileSync(file, 'utf8'));
    content = read(path).replace(/\r?\n$/, '');
  } catch (error) {
    throw new Wrong(
      'unreadable',
      `${name}_FILE: ${unreadable(path, error)}; accepted is a readable file that holds the value`,
    );
  }
  if (content === '')
    throw new Wrong('malformed', `${name}_FILE: ${path} is empty; accepted is a file that holds the value`);
  return { name: `${name}_FILE`, text: content };
}

/** What the command line gave, by a parameter's current or former name. */
type Flags = ReadonlyMap<string, Found>;

function readFlags(declared: Parameters, args: readonly string[], problems: Problem[]): Flags {
  const names = new Map(
    Object.entries(declared).flatMap(([name, parameter]) =>
      [name, ...(parameter.deprecated ?? [])].map((each) => [flagOf(each), { name: each, parameter }]),
    ),
  );
  const options = Object.fromEntries([...names.keys()].map((flag) => [flag, { type: 'string' as const }]));
  const flags = new Map<string, Found>();
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true, allowPositionals: true });
  for (const token of tokens) {
    if (token.kind === 'positional') {
      problems.push({
        parameter: token.value,
        reason: 'unknown',
        message: `${token.value}: not a flag; accepted are ${[...names.keys()].map((flag) => `--${flag}`).join(', ')}`,
      });
    } else if (token.kind === 'option') {
      const flag = names.get(token.name);
      if (flag === undefined) {
        problems.push({
          parameter: token.rawName,
          reason: 'unknown',
          message: `${token.rawName} is not a flag of this program${suggestion(token.name, [...names.keys()], '--')}; see --help`,
        });
      } else if (token.value === undefined) {
        problems.push({
          parameter: token.rawName,
          reason: 'malformed',
          message: `${token.rawName} has no value; accepted is ${accepts(flag.parameter)}`,
        });
      } else flags.set(flag.name, { name: token.rawName, text: token.value });
    }
  }
  return flags;
}

/** Kubernetes sets `TLS_SERVICE_HOST`, `TLS_PORT_443_TCP_ADDR` … in every pod for a service named `tls`. */
const SERVICE_LINK = /_SERVICE_HOST$|_SERVICE_PORT(_\w+)?$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/;

function unknownNames(declared: Parameters, { env, prefixes = [] }: Source): Problem[] {
  const known = new Set(
    Object.entries(declared).flatMap(([name, { secret, deprecated = [] }]) =>
      [name, ...deprecated].flatMap((each) => (secret ? [each, `${each}_FILE`] : [each])),
    ),
  );
  return Object.keys(env)
    .filter((name) => prefixes.some((prefix) => name.startsWith(prefix)))
    .filter((name) => !known.has(name) && !SERVICE_LINK.test(name) && !/^(tcp|udp|sctp):\/\//.test(env[name] ?? ''))
    .map((name) => ({
      parameter: name,
      reason: 'unknown' as const,
      message: `${name} is not a parameter of this sidecar${suggestion(name, [...known])}; see --help for those it has`,
    }));
}

/** @param found where the wrong text stood, by the name that the user gave it */
function problemOf(error: unknown, name: string, found: Found | undefined, secret = false): Problem {
  if (error instanceof Wrong) return { parameter: name, reason: error.reason, message: error.message };
  if (!(error instanceof Unacceptable) || !found) throw error;
  const shown = withoutPasswords(found.text);
  const value = secret ? 'the value' : JSON.stringify(shown.length > 60 ? `${shown.slice(0, 60)}…` : shown);
  return {
    parameter: name,
    reason: 'malformed',
    message: `${found.name}: ${value} ${withoutPasswords(error.message)}; accepted is ${error.accepted}`,
  };
}

/** What is wrong with a URL may be shown; the password in it is not. */
export function withoutPasswords(text: string): string {
  return text.replaceAll(/:\/\/[^\s"]*@/g, '://[redacted]@');
}
