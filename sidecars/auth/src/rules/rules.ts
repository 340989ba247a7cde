/** Rules: who may do what. The first whose path and method fit decides; where none does, a login does. */
import { parse } from 'yaml';
import { MAX_PATTERN, PathPattern } from '#proxy/paths/pattern.ts';
import { pathVariants } from '#proxy/paths/variants.ts';

/** What a rule, or the rules for several variants of a path together, ask of a request. */
export type Access =
  | { readonly kind: 'public' }
  | { readonly kind: 'deny' }
  /** A login, and of each list at least one group. */
  | { readonly kind: 'login'; readonly groups: readonly (readonly string[])[] };

interface Rule {
  readonly path: PathPattern;
  /** Undefined: any. */
  readonly methods: ReadonlySet<string> | undefined;
  readonly access: Access;
}

/** What the rules say of a request. */
interface Decision {
  readonly access: Access;
  readonly route: string | undefined;
}

/** A rules file cannot be used; the message says where and why. */
export class BadRules extends Error {}

const LOGIN: Access = { kind: 'login', groups: [] };
const DENY: Access = { kind: 'deny' };
const PUBLIC: Access = { kind: 'public' };
const KEYS = new Set(['path', 'method', 'groups', 'access']);
const MAX_RULES = 500;
/** Of a rules file, in characters. */
export const MAX_RULES_SIZE = 256 * 1024;
/** Decisions that are remembered, and the longest path of one, in characters: half a megabyte in all. */
const MAX_REMEMBERED = 2000;
const MAX_REMEMBERED_PATH = 256;

export class Rules {
  /** Whether any rule depends on the method. */
  readonly nameMethods: boolean;
  readonly #rules: readonly Rule[];
  /** Decisions by method and path: the same paths come again and again. */
  readonly #known = new Map<string, Decision>();

  constructor(rules: readonly Rule[] = []) {
    this.#rules = rules;
    this.nameMethods = rules.some(({ methods }) => methods !== undefined);
  }

  /** Groups that any rule names: those that a session must not lose. */
  get groups(): ReadonlySet<string> {
    return new Set(this.#rules.flatMap(({ access }) => (access.kind === 'login' ? access.groups.flat() : [])));
  }

  /**
   * What a request needs.
   * @param path of its target, without the query
   * @returns the strictest of what the rules say about each variant of the path, compared exactly and loosely;
   * undefined for a path that is refused
   */
  access(method: string, path: string): Access | undefined {
    return this.#rules.length === 0 ? LOGIN : this.#decide(method, path)?.access;
  }

  /** The path of the first rule that fits a request, as it was written: its route in traces and metrics. */
  route(method: string, path: string): string | undefined {
    return this.#rules.length === 0 ? undefined : this.#decide(method, path)?.route;
  }

  #decide(method: string, path: string): Decision | undefined {
    const key = path.length + method.length <= MAX_REMEMBERED_PATH ? `${method} ${path}` : undefined;
    const known = key === undefined ? undefined : this.#known.get(key);
    if (known !== undefined) return known;
    const variants = pathVariants(path);
    if (variants === undefined) return undefined;
    const upper = method.toUpperCase();
    const decision: Decision = {
      access: variants.map((variant) => this.#ofVariant(upper, variant)).reduce(stricter),
      route: this.#first(upper, (pattern) => pattern.matches(variants[0]!))?.path.glob,
    };
    if (key !== undefined) {
      if (this.#known.size >= MAX_REMEMBERED) this.#known.clear();
      this.#known.set(key, decision);
    }
    return decision;
  }

  /** An application may or may not tell paths apart by case and by a slash at the end. */
  #ofVariant(method: string, variant: string): Access {
    return stricter(
      this.#first(method, (path) => path.matches(variant))?.access ?? LOGIN,
      this.#first(method, (path) => path.matchesLoosely(variant))?.access ?? LOGIN,
    );
  }

  #first(method: string, fits: (path: PathPattern) => boolean): Rule | undefined {
    return this.#rules.find(({ methods, path }) => hasMethod(methods, method) && fits(path));
  }
}

/** A rule for GET is one for HEAD, too: applications answer both by the same code. */
const hasMethod = (methods: Rule['methods'], method: string): boolean =>
  methods === undefined || methods.has(method) || (method === 'HEAD' && methods.has('GET'));

/** Of two the one that lets fewer in; of two with groups both. */
export function stricter(a: Access, b: Access): Access {
  if (a.kind === 'deny' || b.kind === 'deny') return DENY;
  if (a.kind === 'public') return b;
  if (b.kind === 'public') return a;
  if (b.groups.length === 0 || a === b) return a;
  return { kind: 'login', groups: [...a.groups, ...b.groups] };
}

/**
 * Read rules.
 * @param text YAML: a list of `{path, method, groups, access}`
 * @throws {BadRules} for what is malformed, and for a rule that can never match
 */
export function parseRules(text: string): Rules {
  let list: unknown;
  try {
    list = parse(text, { maxAliasCount: 0 });
  } catch (error) {
    throw new BadRules(`is not YAML: ${(error as Error).message.split('\n', 1)[0]}`);
  }
  if (!Array.isArray(list))
    throw new BadRules('is not a list of rules; accepted is - {path: /admin/**, groups: [admins], access: allow}');
  if (list.length > MAX_RULES) throw new BadRules(`has ${list.length} rules; at most ${MAX_RULES} are taken`);
  const rules: Rule[] = [];
  for (const [index, item] of list.entries()) {
    const rule = ruleOf(item, index + 1);
    const earlier = rules.findIndex((each) => each.path.covers(rule.path) && coversMethods(each, rule));
    if (earlier !== -1)
      throw new BadRules(
        `rule ${index + 1} (${rule.path.glob}) can never match: rule ${earlier + 1} (${rules[earlier]!.path.glob}) matches all of it first`,
      );
    rules.push(rule);
  }
  return new Rules(rules);
}

const coversMethods = ({ methods: wide }: Rule, { methods: narrow }: Rule): boolean =>
  wide === undefined || (narrow !== undefined && [...narrow].every((method) => hasMethod(wide, method)));

function ruleOf(item: unknown, number: number): Rule {
  const bad = (why: string): never => {
    throw new BadRules(`rule ${number} ${why}`);
  };
  if (typeof item !== 'object' || item === null || Array.isArray(item)) return bad('is not a mapping');
  const { path, method, groups, access } = item as Record<string, unknown>;
  const unknown = Object.keys(item).find((key) => !KEYS.has(key));
  if (unknown !== undefined) bad(`has the key ${JSON.stringify(unknown)}; accepted are ${[...KEYS].join(', ')}`);
  if (typeof path !== 'string' || !path.startsWith('/')) return bad('has no path that begins with /');
  if (path.length > MAX_PATTERN) bad(`has a path of ${path.length} characters; at most ${MAX_PATTERN} are taken`);
  const variants = pathVariants(Buffer.from(path.replaceAll('*', 'x'), 'utf8').toString('latin1'));
  if (path.includes('?') || variants?.length !== 1)
    bad(
      `can never match ${JSON.stringify(path)}: a path is compared decoded, without query, parameters, dots and double slashes`,
    );
  const methods = method === undefined ? undefined : new Set([method].flat());
  for (const each of methods ?? [])
    if (typeof each !== 'string' || !/^[A-Z]{1,20}$/.test(each))
      bad(`has the method ${JSON.stringify(each)}; accepted are names such as GET`);
  if (methods?.size === 0) bad('can never match: its list of methods is empty');
  return {
    path: new PathPattern(path),
    methods: methods as ReadonlySet<string> | undefined,
    access: accessOf(access, groups, bad),
  };
}

function accessOf(access: unknown, groups: unknown, bad: (why: string) => never): Access {
  if (access !== 'allow' && access !== 'public' && access !== 'deny')
    return bad(`has the access ${JSON.stringify(access)}; accepted are allow, public, deny`);
  if (groups === undefined) return access === 'allow' ? LOGIN : access === 'deny' ? DENY : PUBLIC;
  if (access !== 'allow') return bad(`has groups, which ${access} does not look at`);
  const names = [groups].flat();
  if (names.length === 0) return bad('can never let anyone in: its list of groups is empty');
  if (!names.every((name): name is string => typeof name === 'string' && name !== ''))
    return bad('has a group that is no text');
  return { kind: 'login', groups: [names] };
}

/** Whether somebody of some groups gets in. */
export const allows = (access: Access, groups: readonly string[]): boolean =>
  access.kind === 'public' ||
  (access.kind === 'login' && access.groups.every((list) => list.some((group) => groups.includes(group))));
