/** TLS on a port for senders, from the parameters. */
import { ConfigurationError } from '#kit/contract/parameters.ts';
import type { EncryptionOptions } from './encryption.ts';

/** What a sender has for the handshake of TLS, and again for that of its protocol, in milliseconds. */
export const HANDSHAKE = 10_000;

const WORDS = ['TLS_CERT_FILE', 'TLS_KEY_FILE', 'TLS_CLIENT_CA_FILE'] as const;

/** The parameters of TLS on the port of an input. */
export type TlsValues<Prefix extends string> = {
  readonly [Name in `${Prefix}_${(typeof WORDS)[number]}`]?: string | undefined;
};

/**
 * @param prefix of the parameters' names: `FORWARD`
 * @returns undefined where there is no TLS
 * @throws {ConfigurationError} when one of them is set without another that it needs
 */
export function encryptionOf<Prefix extends string>(
  prefix: Prefix,
  values: TlsValues<Prefix>,
): EncryptionOptions | undefined {
  const [cert, key, ca] = WORDS.map((word) => `${prefix}_${word}` as keyof TlsValues<Prefix>);
  const [certFile, keyFile, clientCaFile] = [values[cert!], values[key!], values[ca!]] as (string | undefined)[];
  if (certFile === undefined && keyFile !== undefined) refuseAlone(key!, cert!);
  if (keyFile === undefined && certFile !== undefined) refuseAlone(cert!, key!);
  if (certFile === undefined && clientCaFile !== undefined) refuseAlone(ca!, cert!);
  return certFile === undefined || keyFile === undefined
    ? undefined
    : { prefix, certFile, keyFile, clientCaFile, timeout: HANDSHAKE };
}

/** @throws {ConfigurationError} always: a parameter is set without another that it needs */
export function refuseAlone(one: string, other: string): never {
  const message = `${one} is set without ${other}; accepted is it with the other, or without either`;
  throw new ConfigurationError([{ parameter: one, reason: 'conflict', message }]);
}
