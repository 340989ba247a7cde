/** Who may send, from the parameters. */
import { ConfigurationError, type Values } from '#kit/parameters.ts';
import type { inputParameters } from '../parameters.ts';
import type { ForwardOptions } from './input.ts';

/** What a sender has for the handshake of TLS, and again for that of the protocol, in milliseconds. */
const HANDSHAKE = 10_000;

/** @throws {ConfigurationError} when one of them is set without another that it needs */
export function admissionOf(
  values: Pick<
    Values<typeof inputParameters>,
    'FORWARD_TLS_CERT_FILE' | 'FORWARD_TLS_KEY_FILE' | 'FORWARD_TLS_CLIENT_CA_FILE' | 'FORWARD_SHARED_KEY'
  >,
): Pick<ForwardOptions, 'encryption' | 'handshake'> {
  const { FORWARD_TLS_CERT_FILE: certFile, FORWARD_TLS_KEY_FILE: keyFile, FORWARD_SHARED_KEY: key } = values;
  const clientCaFile = values.FORWARD_TLS_CLIENT_CA_FILE;
  if (certFile === undefined && keyFile !== undefined) refuse('FORWARD_TLS_KEY_FILE', 'FORWARD_TLS_CERT_FILE');
  if (keyFile === undefined && certFile !== undefined) refuse('FORWARD_TLS_CERT_FILE', 'FORWARD_TLS_KEY_FILE');
  if (certFile === undefined && clientCaFile !== undefined)
    refuse('FORWARD_TLS_CLIENT_CA_FILE', 'FORWARD_TLS_CERT_FILE');
  return {
    encryption:
      certFile === undefined || keyFile === undefined
        ? undefined
        : { certFile, keyFile, clientCaFile, timeout: HANDSHAKE },
    handshake: key === undefined ? undefined : { key, timeout: HANDSHAKE },
  };
}

function refuse(one: string, other: string): never {
  const message = `${one} is set without ${other}; accepted is it with the other, or without either`;
  throw new ConfigurationError([{ parameter: one, reason: 'conflict', message }]);
}
