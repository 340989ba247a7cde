/** Which client certificates may come in, and what the application is told of them. */
import type { X509Certificate } from 'node:crypto';
import { ConfigurationError, type Problem, type Values } from '#kit/contract/parameters.ts';
import type { contract } from '../contract.ts';
import { readClientTrust, type ClientTrust } from './client-trust.ts';
import { commonNamePattern, dnsPattern, uriPattern, type Matcher } from '#proxy/tls/patterns.ts';
import { parseAltNames, type AltName } from '#proxy/tls/subject-alt-names.ts';
import { xfccElement } from '#proxy/tls/xfcc.ts';

export type ClientPolicyParameters = Pick<
  Values<typeof contract.parameters>,
  'TLS_CLIENT_CA' | 'TLS_CLIENT_CRL' | 'TLS_CLIENT_ALLOW_CN' | 'TLS_CLIENT_ALLOW_DNS' | 'TLS_CLIENT_ALLOW_URI'
>;

/** The answer about one client. */
export interface ClientVerdict {
  readonly allowed: boolean;
  /** For the log, when it is not allowed. */
  readonly reason?: string;
  /** One x-forwarded-client-cert element; empty when not allowed. */
  readonly xfcc: string;
}

export interface ClientPolicy {
  /** PEM of what client certificates must be signed by; undefined: clients show none. */
  readonly clientCa: Buffer | undefined;
  /** PEM of a revocation list each. */
  readonly clientCrls: readonly string[];
  /** The files that both come from, as they were read last. */
  readonly trust: ClientTrust;
  /** Verify further clients against what was read anew. */
  renew(trust: ClientTrust): void;
  /** Judge a certificate that the handshake has verified already. */
  check(peer: X509Certificate): ClientVerdict;
}

/**
 * Read the client CA, its revocation lists and the allow-lists. A client is allowed when any list has a match, or when
 * there are no lists.
 * @throws {ConfigurationError} for an unreadable or malformed CA, lists without a CA, and patterns that are none
 */
export function createClientPolicy(parameters: ClientPolicyParameters): ClientPolicy {
  const problems: Problem[] = [];
  let trust = readClientTrust(parameters, problems);
  const lists = {
    cn: patternsOf(parameters, 'TLS_CLIENT_ALLOW_CN', commonNamePattern, '', problems),
    dns: patternsOf(parameters, 'TLS_CLIENT_ALLOW_DNS', dnsPattern, 'a host name, or *. and one', problems),
    uri: patternsOf(
      parameters,
      'TLS_CLIENT_ALLOW_URI',
      uriPattern,
      'a URI with its scheme, such as spiffe://domain/path',
      problems,
    ),
  };
  if (problems.length > 0) throw new ConfigurationError(problems);
  const open = Object.values(lists).every((list) => list.length === 0);

  return {
    get trust() {
      return trust;
    },
    get clientCa() {
      return trust.ca;
    },
    get clientCrls() {
      return trust.crls;
    },
    renew: (renewed) => void (trust = renewed),
    check(peer) {
      let altNames: AltName[];
      try {
        altNames = parseAltNames(peer.subjectAltName);
      } catch (error) {
        return { allowed: false, reason: `it has ${(error as Error).message}`, xfcc: '' };
      }
      const cn = commonName(peer);
      const allowed =
        open ||
        (cn !== undefined && lists.cn.some((matches) => matches(cn))) ||
        altNames.some(({ type, value }) =>
          (type === 'DNS' ? lists.dns : type === 'URI' ? lists.uri : []).some((matches) => matches(value)),
        );
      if (allowed) return { allowed, xfcc: xfccElement(peer, altNames) };
      return { allowed, reason: `no allow-list matches ${describe(cn, altNames)}`, xfcc: '' };
    },
  };
}

/** The common name, where there is exactly one: of several nobody knows which another reader takes. */
function commonName(peer: X509Certificate): string | undefined {
  const cn: unknown = (peer.toLegacyObject().subject as { CN?: unknown } | undefined)?.CN;
  return typeof cn === 'string' ? cn : undefined;
}

function describe(cn: string | undefined, altNames: readonly AltName[]): string {
  const names = altNames
    .filter(({ type }) => type === 'DNS' || type === 'URI')
    .map(({ type, value }) => `${type}:${value}`);
  const all = [...(cn === undefined ? [] : [`CN=${cn}`]), ...names].join(', ');
  return all === '' ? 'a certificate without a name' : JSON.stringify(all.slice(0, 300));
}

function patternsOf(
  parameters: ClientPolicyParameters,
  name: 'TLS_CLIENT_ALLOW_CN' | 'TLS_CLIENT_ALLOW_DNS' | 'TLS_CLIENT_ALLOW_URI',
  compile: (pattern: string) => Matcher | undefined,
  accepted: string,
  problems: Problem[],
): Matcher[] {
  const patterns = parameters[name];
  if (patterns === undefined) return [];
  const problem = (reason: Problem['reason'], message: string): void =>
    void problems.push({ parameter: name, reason, message: `${name}: ${message}` });
  // A list that was meant to hold something must not, by a slip, let everyone in.
  if (patterns.length === 0)
    problem(
      'malformed',
      'holds no name; accepted is a comma-separated list, or nothing at all to allow every verified client',
    );
  if (parameters.TLS_CLIENT_CA === undefined)
    problem('conflict', 'needs TLS_CLIENT_CA, without which no client shows a certificate');
  return patterns.flatMap((pattern) => {
    const matcher = compile(pattern);
    if (matcher === undefined)
      problem('malformed', `${JSON.stringify(pattern)} is no pattern; accepted is ${accepted}`);
    return matcher ?? [];
  });
}
