/** Who may send, from the parameters. */
import { readFileSync } from 'node:fs';
import { whyUnreadable } from '#kit/files/remedy.ts';
import { ConfigurationError, type Values } from '#kit/contract/parameters.ts';
import type { inputParameters } from '../parameters.ts';
import { encryptionOf, HANDSHAKE, refuseAlone, type TlsValues } from '../senders/settings.ts';
import type { ForwardOptions } from './input.ts';

/** @throws {ConfigurationError} when one of them is set without another that it needs, or users are none */
export function admissionOf(
  values: TlsValues<'FORWARD'> & Pick<Values<typeof inputParameters>, 'FORWARD_SHARED_KEY' | 'FORWARD_USERS_FILE'>,
): Pick<ForwardOptions, 'encryption' | 'handshake'> {
  const { FORWARD_SHARED_KEY: key } = values;
  const encryption = encryptionOf('FORWARD', values);
  if (key === undefined && values.FORWARD_USERS_FILE !== undefined)
    refuseAlone('FORWARD_USERS_FILE', 'FORWARD_SHARED_KEY');
  return {
    encryption,
    handshake: key === undefined ? undefined : { key, users: usersOf(values.FORWARD_USERS_FILE), timeout: HANDSHAKE },
  };
}

/** Passwords by user, of a file of lines `user:password`. An error names the line, not what is in it. */
function usersOf(file: string | undefined): ReadonlyMap<string, string> | undefined {
  if (file === undefined) return undefined;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigurationError([wrong(file, whyUnreadable(file, error), 'unreadable')]);
  }
  const users = new Map<string, string>();
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.replace(/\r$/, '');
    if (line === '') continue;
    const [, user, password] = /^([^:]{1,255}):(.+)$/s.exec(line) ?? [];
    if (user !== undefined && password !== undefined && !users.has(user)) {
      users.set(user, password);
      continue;
    }
    const what = user === undefined ? 'is no user:password' : 'has a user that is there already';
    throw new ConfigurationError([wrong(`${file}, line ${index + 1}`, what)]);
  }
  if (users.size === 0) throw new ConfigurationError([wrong(file, 'has no user')]);
  return users;
}

const wrong = (where: string, what: string, reason: 'malformed' | 'unreadable' = 'malformed') => ({
  parameter: 'FORWARD_USERS_FILE',
  reason,
  message: `FORWARD_USERS_FILE: ${where} ${what}; accepted is a file of lines user:password, each user once`,
});
