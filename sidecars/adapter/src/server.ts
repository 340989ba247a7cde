/** Where the database is, and how to come in. */
import { readFileSync } from 'node:fs';
import { unreadable } from '#kit/files/remedy.ts';
import { ConfigurationError, type Problem } from '#kit/contract/parameters.ts';
import type { AdapterKit } from './contract.ts';

export interface Server {
  readonly host: string;
  readonly port: number;
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** The authority that its certificate must be of, as PEM; undefined: without TLS. */
  readonly ca: string | undefined;
}

const PORTS = { valkey: 6379, mariadb: 3306 };

/**
 * Read it from the parameters.
 * @throws {ConfigurationError} when they do not go together
 */
export function serverOf(parameters: AdapterKit['parameters']): Server {
  const { ADAPTER_MODE: mode, ADAPTER_USER: user, ADAPTER_PASSWORD: password } = parameters;
  const problems: Problem[] = [];
  const conflict = (parameter: string, message: string): void =>
    void problems.push({ parameter, reason: 'conflict', message: `${parameter}: ${message}` });
  if (mode === 'mariadb' && user === undefined) conflict('ADAPTER_USER', 'is required with ADAPTER_MODE=mariadb');
  if (mode === 'valkey' && user !== undefined && password === undefined)
    conflict('ADAPTER_USER', 'means nothing to valkey without ADAPTER_PASSWORD or ADAPTER_PASSWORD_FILE');
  if (mode === 'mariadb' && parameters.ADAPTER_COUNT_KEYS !== undefined)
    conflict('ADAPTER_COUNT_KEYS', 'is for ADAPTER_MODE=valkey');
  if (mode === 'valkey' && parameters.ADAPTER_TABLES) conflict('ADAPTER_TABLES', 'is for ADAPTER_MODE=mariadb');
  const ca = parameters.ADAPTER_TLS_CA === undefined ? undefined : readAuthority(parameters.ADAPTER_TLS_CA, conflict);
  if (problems.length > 0) throw new ConfigurationError(problems);
  return { host: parameters.ADAPTER_HOST, port: parameters.ADAPTER_PORT ?? PORTS[mode], user, password, ca };
}

function readAuthority(path: string, conflict: (parameter: string, message: string) => void): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    conflict('ADAPTER_TLS_CA', unreadable(path, error));
    return undefined;
  }
}
