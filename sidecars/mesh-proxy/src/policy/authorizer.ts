/** Authorisation at the application's side. */
import type { Authorization, AuthorizationRule } from '#mesh/model/authorization.ts';
import type { StringMatch } from '#mesh/model/match.ts';
import { BlockList, isIPv6 } from 'node:net';
import type { Request } from '#proxy/http/request.ts';
import { fieldsTest, textTest, type FieldsTest, type TextTest } from './matchers.ts';
import { ConfigurationRefused } from '#mesh/model/source.ts';
import { pathVariants } from '#proxy/paths/variants.ts';

/** What is asked for. */
export interface Access {
  /** SPIFFE id; undefined for a caller without an identity. */
  readonly identity: string | undefined;
  /** That the caller connects from. */
  readonly address: string;
  readonly port: number;
  /** Undefined for a connection that is not HTTP. */
  readonly http: Request | undefined;
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
  readonly address: string;
  readonly port: number;
  /** Undefined for a connection that is not HTTP. */
  readonly http: Request | undefined;
  /** In capitals. */
  readonly method: string | undefined;
  #variants: readonly string[] | undefined;

  constructor({ identity, address, port, http }: Access) {
    this.identity = identity;
    this.address = address;
    this.port = port;
    this.http = http;
    this.method = http?.method.toUpperCase();
  }

  /** All that applications might read in the path; none for one that no application should be asked for. */
  get paths(): readonly string[] {
    return (this.#variants ??= pathVariants(this.http?.path ?? '') ?? []);
  }
}

class CompiledRule {
  readonly name: string;
  readonly action: AuthorizationRule['action'];
  readonly #identities: readonly TextTest[] | undefined;
  readonly #notIdentities: readonly TextTest[] | undefined;
  readonly #methods: ReadonlySet<string> | undefined;
  readonly #paths: readonly TextTest[] | undefined;
  readonly #headers: FieldsTest | undefined;
  readonly #ipBlocks: BlockList | undefined;
  readonly #notIpBlocks: BlockList | undefined;
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
    this.#headers = fieldsTest(rule.headers, `${where}.headers`);
    this.#ipBlocks = rule.ipBlocks && blockList(rule.ipBlocks, `${where}.ipBlocks`);
    this.#notIpBlocks = rule.notIpBlocks && blockList(rule.notIpBlocks, `${where}.notIpBlocks`);
    this.#ports = rule.ports && new Set(rule.ports);
  }

  fits(seen: Seen): boolean {
    const { identity, address, port, method, http } = seen;
    if (this.#ports !== undefined && !this.#ports.has(port)) return false;
    if (this.#identities !== undefined)
      if (identity === undefined || !this.#identities.some((test) => test(identity))) return false;
    if (this.#notIdentities !== undefined)
      if (identity !== undefined && this.#notIdentities.some((test) => test(identity))) return false;
    if (this.#ipBlocks !== undefined && !isIn(this.#ipBlocks, address)) return false;
    if (this.#notIpBlocks !== undefined && isIn(this.#notIpBlocks, address)) return false;
    // What is not HTTP has none of these: allowing by them cannot fit, denying must not be evaded by speaking something else.
    if (http === undefined || method === undefined)
      return this.action === 'deny' || (this.#methods ?? this.#paths ?? this.#headers) === undefined;
    if (this.#methods !== undefined && !this.#methods.has(method)) return false;
    if (this.#headers !== undefined && !this.#headers(http)) return false;
    return this.#paths === undefined || this.#fitsPath(this.#paths, seen.paths);
  }

  /** To deny, one reading is enough, and a path that has none; to allow, all must fit. */
  #fitsPath(tests: readonly TextTest[], paths: readonly string[]): boolean {
    const fits = (path: string): boolean => tests.some((test) => test(path));
    return this.action === 'deny' ? paths.length === 0 || paths.some(fits) : paths.length > 0 && paths.every(fits);
  }
}

/** @throws {ConfigurationRefused} for what is no range in CIDR notation */
function blockList(blocks: readonly string[], where: string): BlockList {
  const found = new BlockList();
  for (const block of blocks) {
    const [address = '', length] = block.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    try {
      if (length === undefined) found.addAddress(address, family);
      else found.addSubnet(address, Number(length), family);
    } catch (error) {
      throw new ConfigurationRefused(`${where}: ${block}: ${(error as Error).message}`);
    }
  }
  return found;
}

const isIn = (blocks: BlockList, address: string): boolean => blocks.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');

/** For applications that ignore case, or a slash at the end. */
function looseTest(match: StringMatch, where: string): TextTest {
  const test = textTest('regex' in match ? match : { ...match, ignoreCase: true }, where);
  return (path) => test(path) || (path.length > 1 && path.endsWith('/') && test(path.slice(0, -1)));
}
