/** From the text of a policy file to a policy, or to a list of what is wrong with it and where. */
import { Validator, type OutputUnit } from '@cfworker/json-schema';
import { isMap, LineCounter, parseDocument, type Document, type Node } from 'yaml';
import { structureProblem } from '#kit/text/structure.ts';
import { suggestion } from '#kit/text/suggestion.ts';
import { inMilliseconds } from './durations.ts';
import { semanticProblems, type Problem } from './semantic-checks.ts';
import { POLICY_SCHEMA } from './schema.ts';
import type { Policy } from './types.ts';

export interface PolicyProblem {
  /** From 1; where the text has one. */
  readonly line: number;
  readonly column: number;
  /** `services.catalogue.routes.0`; empty for the whole. */
  readonly path: string;
  readonly message: string;
}

/** The file cannot be used: a line for each thing that is wrong. */
export class PolicyRefused extends Error {
  override readonly name = 'PolicyRefused';
  readonly problems: readonly PolicyProblem[];
  constructor(file: string, problems: readonly PolicyProblem[]) {
    super(problems.map(({ line, column, message }) => `${file}:${line}:${column}: ${message}`).join('\n'));
    this.problems = problems;
  }
}

/** More is no policy that a person wrote. */
const MAX_BYTES = 1024 * 1024;
const MAX_ALIASES = 100;
/** More would hide the first. */
const MAX_PROBLEMS = 20;

type Path = readonly (string | number)[];

const validator = new Validator(POLICY_SCHEMA, '2020-12', false);

/**
 * Read a policy.
 * @param text YAML
 * @param file its name, for messages
 * @throws {PolicyRefused}
 */
export function parsePolicy(text: string, file = 'policy.yaml'): Policy {
  const at = (path: Path, message: string, line = 1, column = 1): PolicyProblem => ({
    line,
    column,
    path: path.join('.'),
    message,
  });
  if (Buffer.byteLength(text) > MAX_BYTES)
    throw new PolicyRefused(file, [at([], `the file has more than ${MAX_BYTES} bytes`)]);
  const lines = new LineCounter();
  let document: Document.Parsed;
  let value: unknown;
  try {
    document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
    const errors = document.errors.map(({ message, pos: [from] }) => {
      const { line, col } = lines.linePos(from);
      return at([], message, line, col);
    });
    if (errors.length > 0) throw new PolicyRefused(file, errors.slice(0, MAX_PROBLEMS));
    value = document.toJS({ maxAliasCount: MAX_ALIASES }) ?? {};
    const problem = structureProblem(value);
    if (problem !== undefined) throw new RangeError(problem);
  } catch (error) {
    if (error instanceof PolicyRefused) throw error;
    // Too deep for the parser's stack, aliases without end, or a value that contains itself.
    throw new PolicyRefused(file, [at([], `no usable YAML: ${(error as Error).message}`)]);
  }
  const located = ({ path, message }: { path: Path; message: string }): PolicyProblem => {
    const { line, col } = lines.linePos(offsetOf(document, path));
    return at(path, message, line, col);
  };
  const shape = problemsOfShape(value);
  if (shape.length > 0) throw new PolicyRefused(file, shape.map(located));
  const problems: Problem[] = [];
  const policy = withDefaults(inMilliseconds(value, (problem) => problems.push(problem)) as Partial<Policy>);
  problems.push(...semanticProblems(policy));
  if (problems.length > 0) throw new PolicyRefused(file, problems.slice(0, MAX_PROBLEMS).map(located));
  return policy;
}

const withDefaults = ({ mesh, services }: Partial<Policy>): Policy => ({
  mesh: { outbound: 'ALLOW_ANY', mtls: 'PERMISSIVE', authorization: 'allow', accessLog: true, ...mesh },
  services: services ?? {},
});

function problemsOfShape(value: unknown): { path: Path; message: string }[] {
  const { valid, errors } = validator.validate(value);
  if (valid) return [];
  const seen = new Set<string>();
  return errors
    .filter((error) => !isOuter(error))
    .map((error) => ({ path: pathOf(error), message: sentence(error, value) }))
    .filter(
      ({ path, message }) => !seen.has(`${path.join('/')} ${message}`) && seen.add(`${path.join('/')} ${message}`),
    )
    .slice(0, MAX_PROBLEMS);
}

const OUTER = new Set(['properties', 'items', 'false']);

/** It only says that something inside is wrong, which is said, too. */
const isOuter = ({ keyword, keywordLocation }: OutputUnit): boolean =>
  OUTER.has(keyword) ||
  /\/propertyNames\/[^/]+$/.test(keywordLocation) ||
  (keyword === 'additionalProperties' && schemaAt(keywordLocation) !== false);

function pathOf({ instanceLocation, keyword, error }: OutputUnit): Path {
  const path = instanceLocation
    .replace(/^#\/?/, '')
    .split('/')
    .filter((part) => part !== '')
    .map((part) => decodeURIComponent(part.replaceAll('~1', '/').replaceAll('~0', '~')));
  const named = NAMED.has(keyword) ? /"([^"]*)"/.exec(error)?.[1] : undefined;
  return named === undefined || keyword === 'required' ? path : [...path, named];
}

const NAMED = new Set(['additionalProperties', 'propertyNames', 'required']);

/** What is wrong, and what is accepted. */
function sentence(unit: OutputUnit, value: unknown): string {
  const { keyword, error } = unit;
  const path = pathOf(unit);
  const where = path.join('.') || 'the file';
  const schema = schemaAt(unit.keywordLocation);
  switch (keyword) {
    case 'additionalProperties': {
      const known = Object.keys(
        (schemaAt(unit.keywordLocation.replace(/\/[^/]*$/, '')) as { properties?: object }).properties ?? {},
      );
      return `${where} is not known${suggestion(String(path.at(-1)), known)}${known.length > 0 ? ` (here are ${known.join(', ')})` : ''}`;
    }
    case 'propertyNames':
      return `${where}: the name ${String(path.at(-1))} does not match ${String((schema as { pattern?: string }).pattern)}`;
    case 'required':
      return `${where} lacks ${/"([^"]*)"/.exec(error)?.[1] ?? 'a key'}`;
    case 'enum':
      return `${where} is ${shown(value, path)}; accepted is one of ${(schema as string[]).join(', ')}`;
    case 'pattern':
      return `${where} is ${shown(value, path)}, which does not match ${String(schema)}`;
    case 'type':
      return `${where} is ${shown(value, path)}; accepted is a value of type ${String(schema)}`;
    default:
      return `${where}: ${error}`;
  }
}

function schemaAt(location: string): unknown {
  let at: unknown = POLICY_SCHEMA;
  for (const part of location.replace(/^#\/?/, '').split('/').filter(Boolean))
    at = (at as Record<string, unknown> | undefined)?.[part];
  return at;
}

function shown(value: unknown, path: Path): string {
  let at = value;
  for (const part of path) at = (at as Record<string | number, unknown> | undefined)?.[part];
  return (JSON.stringify(at) ?? 'nothing').slice(0, 80);
}

/** Where a value, or its key, begins; the nearest that is there for one that is not. */
function offsetOf(document: Document.Parsed, path: Path): number {
  for (let length = path.length; length > 0; length--) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const last = path[length - 1]!;
    if (isMap(parent)) {
      const pair = parent.items.find(({ key }) => String((key as { value?: unknown })?.value ?? key) === String(last));
      const start = (pair?.key as Node | undefined)?.range?.[0];
      if (start !== undefined) return start;
    }
    const node = document.getIn(path.slice(0, length), true) as Node | undefined;
    if (node?.range) return node.range[0];
  }
  return document.contents?.range[0] ?? 0;
}
