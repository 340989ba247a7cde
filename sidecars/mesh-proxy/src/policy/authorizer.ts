/** Authorisation at the application's side. */
import type { Authorization, AuthorizationRule } from '../model/authorization.ts';
import type { StringMatch } from '../model/match.ts';
import { textTest, type TextTest } from '../compile/matchers.ts';
import { pathVariants } from '#proxy/paths/variants.ts';

/** What is asked for. */
export interface Access {
  /** SPIFFE id; undefined for a caller without an identity. */
  readonly identity: string | undefined;
  readonly port: number;
  /** Undefined for a connection that is not HTTP. */
  readonly http: { readonly method: string; readonly path: string } | undefined;
}

/** Undefined: let through. Otherwise the end of a sentence that says why not. */
export type Refusal = string | undefined;

export class Authorizer {
  readonly #deny: readonly CompiledRule[];
  readonly #allow: readonly CompiledRule[];
  readonly #otherwise: Authorization['otherwise'];

  /** @throws {ConfigurationRefused} for a match that is none */
  constructor({ rules, otherwise }: Authorization) {
    const compiled = rules.map((rule, index) => new CompiledRule(rule, `inbound.authorization.rules[${index}]`));
    this.#deny = compiled.filter(({ action }) => action === 'deny');
    this.#allow = compiled.filter(({ action }) => action === 'allow');
    this.#otherwise = otherwise;
  }

  check(access: Access): Refusal {
    if (this.#deny.length === 0 && this.#allow.length === 0) return this.#otherwise === 'allow' ? undefined : NO_RULE;
    const seen = new Seen(access);
    for (const rule of this.#deny) if (rule.fits(seen)) return `the rule ${rule.name} denies it`;
    for (const rule of this.#allow) if (rule.fits(seen)) return undefined;
    return this.#otherwise === 'allow' ? undefined : NO_RULE;
  }
}

const NO_RULE = 'no rule allows it';

/** A request or a connection, as rules look at it. */
class Seen {
  readonly identity: string | undefined;
  readonly port: number;
  /** Undefined for a connection that is not HTTP. */
  readonly method: string | undefined;
  readonly #path: string | undefined;
  #variants: readonly string[] | undefined;

  constructor({ identity, port, http }: Access) {
    this.identity = identity;
    this.port = port;
    this.method = http?.method.toUpperCase();
    this.#path = http?.path;
  }

  /** All that applications might read in the path; none for one that no application should be asked for. */
  get paths(): readonly string[] {
    return (this.#variants ??= pathVariants(this.#path ?? '') ?? []);
  }
}

class CompiledRule {
  readonly name: string;
  readonly action: AuthorizationRule['action'];
  readonly #identities: readonly TextTest[] | undefined;
  readonly #notIdentities: readonly TextTest[] | undefined;
  readonly #methods: ReadonlySet<string> | undefined;
  readonly #paths: readonly TextTest[] | undefined;
  readonly #ports: ReadonlySet<number> | undefined;

  constructor(rule: AuthorizationRule, where: string) {
    this.name = rule.name;
    this.action = rule.action;
    this.#identities = rule.identities?.map((match) => textTest(match, `${where}.identities`));
    this.#notIdentities = rule.notIdentities?.map((match) => textTest(match, `${where}.notIdentities`));
    const methods = rule.methods?.map((method) => method.toUpperCase());
    // What GET would show HEAD tells of.
    if (rule.action === 'deny' && methods?.includes('GET') === true) methods.push('HEAD');
    this.#methods = methods && new Set(methods);
    const strict = rule.action === 'allow';
    this.#paths = rule.paths?.map((match) => (strict ? textTest : looseTest)(match, `${where}.paths`));
    this.#ports = rule.ports && new Set(rule.ports);
  }

  fits(seen: Seen): boolean {
    const { identity, port, method } = seen;
    if (this.#ports !== undefined && !this.#ports.has(port)) return false;
    if (this.#identities !== undefined)
      if (identity === undefined || !this.#identities.some((test) => test(identity))) return false;
    if (this.#notIdentities !== undefined)
      if (identity !== undefined && this.#notIdentities.some((test) => test(identity))) return false;
    // What is not HTTP has neither: allowing by them cannot fit, denying must not be evaded by speaking something else.
    if (method === undefined)
      return this.action === 'deny' || (this.#methods === undefined && this.#paths === undefined);
    if (this.#methods !== undefined && !this.#methods.has(method)) return false;
    return this.#paths === undefined || this.#fitsPath(this.#paths, seen.paths);
  }

  /** To deny, one reading is enough, and a path that has none; to allow, all must fit. */
  #fitsPath(tests: readonly TextTest[], paths: readonly string[]): boolean {
    const fits = (path: string): boolean => tests.some((test) => test(path));
    return this.action === 'deny' ? paths.length === 0 || paths.some(fits) : paths.length > 0 && paths.every(fits);
  }
}

/** For applications that ignore case, or a slash at the end. */
function looseTest(match: StringMatch, where: string): TextTest {
  const test = textTest('regex' in match ? match : { ...match, ignoreCase: true }, where);
  return (path) => test(path) || (path.length > 1 && path.endsWith('/') && test(path.slice(0, -1)));
}
