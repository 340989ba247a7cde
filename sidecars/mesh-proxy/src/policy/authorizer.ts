/** Authorisation at the application's side. */
import type { Authorization, AuthorizationRule } from '../model/authorization.ts';
import { textTest, type TextTest } from '../compile/matchers.ts';
import { normalizedPath } from './path.ts';

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
    const { http } = access;
    const path = http === undefined ? undefined : normalizedPath(http.path);
    // Two readers could see two paths in it: no rule can be relied on.
    if (http !== undefined && path === undefined) return 'its path is ambiguous';
    const seen: Seen = { ...access, path, methodOf: http?.method };
    for (const rule of this.#deny) if (rule.fits(seen)) return `the rule ${rule.name} denies it`;
    for (const rule of this.#allow) if (rule.fits(seen)) return undefined;
    return this.#otherwise === 'allow' ? undefined : NO_RULE;
  }
}

const NO_RULE = 'no rule allows it';

interface Seen extends Access {
  readonly path: string | undefined;
  readonly methodOf: string | undefined;
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
    this.#methods = rule.methods && new Set(rule.methods.map((method) => method.toUpperCase()));
    this.#paths = rule.paths?.map((match) => textTest(match, `${where}.paths`));
    this.#ports = rule.ports && new Set(rule.ports);
  }

  fits({ identity, port, http, path, methodOf }: Seen): boolean {
    if (this.#ports !== undefined && !this.#ports.has(port)) return false;
    if (this.#identities !== undefined)
      if (identity === undefined || !this.#identities.some((test) => test(identity))) return false;
    if (this.#notIdentities !== undefined)
      if (identity !== undefined && this.#notIdentities.some((test) => test(identity))) return false;
    // What is not HTTP has neither: allowing by them cannot fit, denying must not be evaded by speaking something else.
    if (http === undefined) return this.action === 'deny' || (this.#methods === undefined && this.#paths === undefined);
    if (this.#methods !== undefined && !this.#methods.has(methodOf!.toUpperCase())) return false;
    return this.#paths === undefined || this.#paths.some((test) => test(path!));
  }
}
