/** What the parameters mean together: checks that no single one can make, and values in the program's own types. */
import { unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigurationError, type Problem, type Values } from '#kit/contract/parameters.ts';
import type { contract } from './contract.ts';
import { TrustedProxies } from './http/client.ts';
import type { Method } from './lib/identity.ts';
import { REQUIRED_PARAMETERS } from './required-parameters.ts';

export type Parameters = Values<typeof contract.parameters>;

export interface Settings {
  readonly methods: ReadonlySet<Method>;
  readonly trusted: TrustedProxies;
  /** The parameters of the provider, where a method needs one. */
  readonly provider: { readonly issuer: string; readonly clientId: string; readonly audience: string } | undefined;
}

/** @throws {ConfigurationError} with all that is wrong, a line each */
export async function settingsOf(parameters: Parameters): Promise<Settings> {
  const problems: Problem[] = [];
  const add = (parameter: string, reason: Problem['reason'], message: string): void =>
    void problems.push({ parameter, reason, message });
  const methods = new Set(parameters.AUTH_METHODS as readonly Method[]);
  if (methods.size === 0)
    add(
      'AUTH_METHODS',
      'missing',
      'AUTH_METHODS is empty; accepted is a comma-separated list of oidc, jwt, basic, apikey',
    );
  for (const method of methods)
    for (const name of REQUIRED_PARAMETERS[method])
      if (parameters[name] === undefined) add(name, 'missing', `${name} is not set; AUTH_METHODS=${method} needs it`);
  const { OIDC_ISSUER: issuer, OIDC_CLIENT_ID: clientId, OIDC_AUDIENCE: audience } = parameters;
  if (methods.has('jwt') && audience === undefined && clientId === undefined)
    add(
      'OIDC_AUDIENCE',
      'missing',
      'OIDC_AUDIENCE is not set, and no OIDC_CLIENT_ID in its place; AUTH_METHODS=jwt needs one',
    );
  if (issuer !== undefined && /[?#]/.test(issuer))
    add(
      'OIDC_ISSUER',
      'malformed',
      `OIDC_ISSUER: ${JSON.stringify(issuer)} has a query or a fragment; accepted is a URL without`,
    );
  if (methods.has('oidc') && !parameters.OIDC_SCOPE.split(' ').includes('openid'))
    add(
      'OIDC_SCOPE',
      'malformed',
      `OIDC_SCOPE: ${JSON.stringify(parameters.OIDC_SCOPE)} is without openid; accepted are scopes with openid among them`,
    );
  let trusted = new TrustedProxies([]);
  try {
    trusted = new TrustedProxies(parameters.AUTH_TRUSTED_PROXIES ?? []);
  } catch (error) {
    add(
      'AUTH_TRUSTED_PROXIES',
      'malformed',
      `AUTH_TRUSTED_PROXIES: ${JSON.stringify((error as Error).message)} is no address or network; accepted are such as 127.0.0.1 and 10.0.0.0/8`,
    );
  }
  const directory = parameters.AUTH_STATE_DIR;
  const writable = await canWrite(directory);
  if (!writable)
    add(
      'AUTH_STATE_DIR',
      'unreadable',
      `AUTH_STATE_DIR: ${directory} cannot be written; accepted is a directory of the sidecar's own`,
    );
  if (problems.length > 0) throw new ConfigurationError(problems);
  const provider =
    issuer !== undefined && (methods.has('oidc') || methods.has('jwt'))
      ? { issuer, clientId: clientId ?? '', audience: audience ?? clientId! }
      : undefined;
  return { methods, trusted, provider };
}

/** Whether files can be made in a directory: tried, since permissions do not tell of read-only file systems. */
async function canWrite(directory: string): Promise<boolean> {
  const probe = join(directory, '.writable');
  try {
    await writeFile(probe, '', { mode: 0o600 });
    await unlink(probe);
    return true;
  } catch {
    return false;
  }
}

/** Secrets that seal cookies, out of their file. @throws an Error that ends the sentence "FILE …" */
export function secretsOf(text: string): string[] {
  const secrets = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const short = secrets.findIndex((secret) => secret.length < 32);
  if (short !== -1)
    throw new Error(
      `has a secret of ${secrets[short]!.length} characters in its line ${short + 1}; accepted are 32 or more: openssl rand -base64 32`,
    );
  return secrets;
}
