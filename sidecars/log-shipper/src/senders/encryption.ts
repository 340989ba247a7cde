/**
 * TLS on a port for senders. The files are looked at whenever a sender connects, which is seldom, so that a new
 * certificate holds from the next connection on; one that cannot be used leaves the old one in use.
 * node:tls is loaded only where it is wanted: it takes nine megabytes.
 */
import type { Socket } from 'node:net';
import type { Server as TlsServer, TlsOptions, TLSSocket } from 'node:tls';
import type { Logger } from '#kit/telemetry/log.ts';
import { ConfigurationError } from '#kit/contract/parameters.ts';
import { WatchedText } from '../delivery/credentials.ts';
import { RefusedError } from './refused.ts';

export interface EncryptionOptions {
  /** What the names of the parameters begin with, for errors: `FORWARD`. */
  readonly prefix: string;
  /** PEM: the certificate, then each intermediate. */
  readonly certFile: string;
  readonly keyFile: string;
  /** PEM: who signs the certificates that senders must have; without it they need none. */
  readonly clientCaFile: string | undefined;
  /** The longest that the handshake of TLS may take, in milliseconds. */
  readonly timeout: number;
}

type Files = Required<Pick<TlsOptions, 'cert' | 'key'>> & Pick<TlsOptions, 'ca'>;

/**
 * A server for senders that speak TLS.
 * @param onSocket called with a connection whose handshake is done; undefined for a server that serves by itself
 * @param onRefused called for one whose handshake failed
 * @param create makes the server: one of TLS, or of HTTPS
 * @throws {ConfigurationError} when the files cannot be used
 */
export function createEncryptedServer(
  options: EncryptionOptions,
  log: Pick<Logger, 'warn'>,
  onSocket: ((socket: Socket) => void) | undefined,
  onRefused: (error: RefusedError, socket: Socket) => void,
  create: (settings: TlsOptions) => TlsServer = (settings) =>
    process.getBuiltinModule('node:tls').createServer(settings),
): TlsServer {
  const read = reader(options);
  let used = firstOf(read, options.prefix);
  let odd: string | undefined;
  const server = create({
    ...used,
    requestCert: options.clientCaFile !== undefined,
    rejectUnauthorized: options.clientCaFile !== undefined,
    handshakeTimeout: options.timeout,
  });
  if (onSocket !== undefined) server.on('secureConnection', onSocket);
  // Before the listener of tls itself, which takes the context for this connection.
  server.prependListener('connection', () => {
    try {
      const files = read();
      if (same(files, used)) return;
      server.setSecureContext(files);
      used = files;
      odd = undefined;
    } catch (error) {
      const { message } = error as Error;
      if (message !== odd)
        log.warn({ reason: message }, `the new certificate of ${options.prefix}_TLS_CERT_FILE is not used`);
      odd = message;
    }
  });
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
    const refusal = refusalOf(error, socket);
    socket.on('error', () => {});
    if (refusal !== undefined) onRefused(new RefusedError('tls', refusal), socket);
    socket.destroy();
  });
  return server;
}

/** Read the files; they are tried out, since what is set in a server must work. */
function reader({ certFile, keyFile, clientCaFile }: EncryptionOptions): () => Files {
  const cert = new WatchedText(certFile);
  const key = new WatchedText(keyFile);
  const ca = clientCaFile === undefined ? undefined : new WatchedText(clientCaFile);
  let tried: Files | undefined;
  return () => {
    const files = { cert: cert.read(), key: key.read(), ...(ca && { ca: ca.read() }) };
    if (tried !== undefined && same(files, tried)) return tried;
    process.getBuiltinModule('node:tls').createSecureContext(files);
    tried = files;
    return files;
  };
}

function firstOf(read: () => Files, prefix: string): Files {
  try {
    return read();
  } catch (error) {
    throw new ConfigurationError([
      {
        parameter: `${prefix}_TLS_CERT_FILE`,
        reason: 'unreadable',
        message: `${prefix}_TLS_CERT_FILE, ${prefix}_TLS_KEY_FILE, ${prefix}_TLS_CLIENT_CA_FILE: ${(error as Error).message}; accepted are readable files in PEM: a certificate with its chain, its key without a passphrase, an authority`,
      },
    ]);
  }
}

const same = (a: Files, b: Files): boolean => a.cert === b.cert && a.key === b.key && a.ca === b.ca;

/** What a sender that speaks something else makes OpenSSL say. */
const PLAIN = new Set([
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_HTTP_REQUEST',
  'ERR_SSL_HTTPS_PROXY_REQUEST',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
]);

/** Why a handshake failed; undefined for a sender that went away by itself. */
function refusalOf(
  { code, message, reason = message }: NodeJS.ErrnoException & { readonly reason?: string },
  { authorizationError }: TLSSocket,
): string | undefined {
  // Typed as an error, but a code; null where all is well.
  if (authorizationError) return `its certificate is not accepted: ${String(authorizationError)}`;
  if (code === 'ERR_TLS_HANDSHAKE_TIMEOUT') return 'its TLS handshake took too long; does it speak TLS?';
  if (code === undefined) return message;
  if (PLAIN.has(code)) return `it does not speak TLS: ${reason}`;
  return code.startsWith('ERR_SSL_') ? `its TLS handshake failed: ${reason}` : undefined;
}
