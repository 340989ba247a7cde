/** What client certificates are verified against: the CA bundle, and revocation lists where there are any. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { whyUnreadable } from '#kit/files/remedy.ts';
import type { Problem, Values } from '#kit/contract/parameters.ts';
import type { contract } from '../contract.ts';
import { crlsIn } from '#proxy/tls/crl.ts';
import { certificatesIn } from '#proxy/tls/pem.ts';

export type TrustParameters = Pick<Values<typeof contract.parameters>, 'TLS_CLIENT_CA' | 'TLS_CLIENT_CRL'>;

export interface ClientTrust {
  /** PEM of what client certificates must be signed by; undefined: clients show none. */
  readonly ca: Buffer | undefined;
  /** PEM of a revocation list each; one for every CA, or none at all. */
  readonly crls: readonly string[];
  /** What is odd about it and no reason to refuse it. */
  readonly warnings: readonly string[];
  /** Changes exactly when the content does. */
  readonly digest: string;
}

/** A bundle of every public CA is 250 KiB; revocation lists grow to some MiB. */
const MAX_SIZE = 16 * 1024 * 1024;

/**
 * Read and check both files.
 * @param problems takes what is wrong; what is returned is then not to be used
 * @param now milliseconds since the epoch
 */
export function readClientTrust(
  { TLS_CLIENT_CA, TLS_CLIENT_CRL }: TrustParameters,
  problems: Problem[],
  now = Date.now(),
): ClientTrust {
  const warnings: string[] = [];
  const ca = read('TLS_CLIENT_CA', TLS_CLIENT_CA, 'a file of PEM certificates', problems, (text) => {
    const expired = certificatesIn(text).every((certificate) => certificate.validToDate.getTime() < now);
    if (expired) throw new Error('holds only certificates that have expired');
    createSecureContext({ ca: text });
  });
  let crls: string[] = [];
  const lists = read('TLS_CLIENT_CRL', TLS_CLIENT_CRL, 'a file of PEM revocation lists', problems, (text) => {
    const found = crlsIn(text);
    crls = found.map(({ pem }) => pem);
    createSecureContext({ crl: crls });
    for (const [index, { nextUpdate }] of found.entries()) {
      if (nextUpdate !== undefined && nextUpdate <= now)
        warnings.push(
          `${TLS_CLIENT_CRL}: list number ${index + 1} is outdated since ${new Date(nextUpdate).toISOString()}: certificates of its CA are refused`,
        );
    }
  });
  if (TLS_CLIENT_CRL !== undefined && TLS_CLIENT_CA === undefined)
    problems.push({
      parameter: 'TLS_CLIENT_CRL',
      reason: 'conflict',
      message: 'TLS_CLIENT_CRL: needs TLS_CLIENT_CA, without which no client shows a certificate',
    });
  return { ca, crls, warnings, digest: digestOf(ca, lists) };
}

/** The digest of both files as they are now; checks nothing. */
export function trustDigest({ TLS_CLIENT_CA, TLS_CLIENT_CRL }: TrustParameters): string {
  const content = (path: string | undefined): Buffer | undefined => {
    try {
      return path === undefined ? undefined : readFileSync(path);
    } catch {
      return undefined;
    }
  };
  return digestOf(content(TLS_CLIENT_CA), content(TLS_CLIENT_CRL));
}

function digestOf(ca: Buffer | undefined, lists: Buffer | undefined): string {
  const hash = createHash('sha256').update(`${ca?.length} ${lists?.length} `);
  for (const content of [ca, lists]) hash.update(content ?? '');
  return hash.digest('base64');
}

function read(
  parameter: 'TLS_CLIENT_CA' | 'TLS_CLIENT_CRL',
  path: string | undefined,
  accepted: string,
  problems: Problem[],
  check: (text: string) => void,
): Buffer | undefined {
  if (path === undefined) return undefined;
  const problem = (reason: Problem['reason'], message: string): undefined => {
    problems.push({ parameter, reason, message: `${parameter}: ${path} ${message}` });
  };
  let content: Buffer;
  try {
    content = readFileSync(path);
  } catch (error) {
    return problem(
      'unreadable',
      `${whyUnreadable(path, error)}; accepted is ${accepted} that the sidecar's user may read`,
    );
  }
  if (content.length > MAX_SIZE)
    return problem('malformed', `has ${content.length} bytes; accepted is ${accepted} of at most 16 MiB`);
  try {
    check(content.toString('latin1'));
  } catch (error) {
    return problem('malformed', `${(error as Error).message}; accepted is ${accepted}`);
  }
  return content;
}
