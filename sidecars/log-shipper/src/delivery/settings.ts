/** The delivery's parameters as its parts take them. */
import { existsSync } from 'node:fs';
import { ConfigurationError, type Problem, type Values } from '#kit/contract/parameters.ts';
import type { deliveryParameters } from './parameters.ts';

export type DeliveryValues = Values<typeof deliveryParameters>;

/** How a request says who sends it; the secret's file is read again when it changes. */
export type Authentication =
  | { readonly kind: 'none' }
  | { readonly kind: 'basic'; readonly user: string; readonly file: string }
  | { readonly kind: 'api-key' | 'bearer'; readonly file: string };

/**
 * Which authentication the parameters ask for.
 * @throws {ConfigurationError} when they ask for two, for half of one, or name a file that is not there
 */
export function authenticationOf(values: DeliveryValues): Authentication {
  const { STORE_USER: user, STORE_PASSWORD_FILE: password } = values;
  const given = (['STORE_PASSWORD_FILE', 'STORE_API_KEY_FILE', 'STORE_BEARER_FILE'] as const).filter(
    (name) => values[name] !== undefined,
  );
  const problems: Problem[] = [];
  const conflict = (parameter: string, message: string): void => {
    problems.push({ parameter, reason: 'conflict', message });
  };
  if (given.length > 1) conflict(given[1]!, `${given.join(' and ')} are both set: keep one`);
  if (user !== undefined && password === undefined)
    conflict('STORE_USER', 'STORE_USER is set without STORE_PASSWORD_FILE; accepted is both or neither');
  if (user === undefined && password !== undefined)
    conflict('STORE_PASSWORD_FILE', 'STORE_PASSWORD_FILE is set without STORE_USER; accepted is both or neither');
  if (user?.includes(':')) conflict('STORE_USER', 'STORE_USER holds a colon, which basic authentication cannot carry');
  if ((values.STORE_CERT_FILE === undefined) !== (values.STORE_KEY_FILE === undefined)) {
    const [one, other] =
      values.STORE_KEY_FILE === undefined
        ? ['STORE_CERT_FILE', 'STORE_KEY_FILE']
        : ['STORE_KEY_FILE', 'STORE_CERT_FILE'];
    conflict(one!, `${one} is set without ${other}; accepted is both or neither`);
  }
  for (const name of [...given, 'STORE_CA_FILE', 'STORE_CERT_FILE', 'STORE_KEY_FILE'] as const) {
    const path = values[name];
    if (path !== undefined && !existsSync(path))
      problems.push({
        parameter: name,
        reason: 'unreadable',
        message: `${name}: ${path} is not there; accepted is a readable file`,
      });
  }
  if (problems.length > 0) throw new ConfigurationError(problems);
  if (password !== undefined) return { kind: 'basic', user: user!, file: password };
  if (values.STORE_API_KEY_FILE !== undefined) return { kind: 'api-key', file: values.STORE_API_KEY_FILE };
  if (values.STORE_BEARER_FILE !== undefined) return { kind: 'bearer', file: values.STORE_BEARER_FILE };
  return { kind: 'none' };
}
