/** A session: what is known of somebody between logins. */
import type { Identity } from '../lib/identity.ts';

export interface Session extends Identity {
  readonly method: 'oidc';
  /** Of this session, made by the sidecar. */
  readonly id: string;
  /** Counts refreshes: of two copies the one with the higher number is good. */
  readonly generation: number;
  /** The provider's name of the login that it belongs to (OpenID Connect Back-Channel Logout, `sid`). */
  readonly sid?: string | undefined;
  /** Milliseconds since the epoch, as all times here. */
  readonly createdAt: number;
  /** Of the last request that was written down. */
  readonly seenAt: number;
  /** When the access token must be renewed; absent where it cannot be. */
  readonly refreshAt?: number | undefined;
  readonly refreshToken?: string | undefined;
  /** For the provider at logout. */
  readonly idToken?: string | undefined;
}

/** A session as its login makes it. */
export type NewSession = Omit<Session, 'id' | 'generation' | 'createdAt' | 'seenAt' | 'method'>;

const text = (value: unknown): value is string => typeof value === 'string';
const optionalText = (value: unknown): boolean => value === undefined || text(value);
const time = (value: unknown): value is number => Number.isFinite(value);

/** A session that was sealed, read again; undefined for what is none. */
export function asSession(value: unknown): Session | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { id, sub, generation, createdAt, seenAt, refreshAt, groups, ...rest } = value as Record<string, unknown>;
  const good =
    text(id) &&
    text(sub) &&
    time(generation) &&
    time(createdAt) &&
    time(seenAt) &&
    (refreshAt === undefined || time(refreshAt)) &&
    Array.isArray(groups) &&
    groups.every(text) &&
    [
      rest['sid'],
      rest['email'],
      rest['preferredUsername'],
      rest['accessToken'],
      rest['refreshToken'],
      rest['idToken'],
    ].every(optionalText);
  return good ? (value as Session) : undefined;
}

export interface Lifetimes {
  /** After the login, in milliseconds. */
  readonly lifetime: number;
  /** After the last request, in milliseconds. */
  readonly idle: number;
}

/** When a session ends if nothing is asked with it. */
export const endOf = ({ createdAt, seenAt }: Session, { lifetime, idle }: Lifetimes): number =>
  Math.min(createdAt + lifetime, seenAt + idle);
