/** What OpenSSL is told of the TLS port: versions, ciphers, certificates by name, client certificates. */
import { constants, type X509Certificate } from 'node:crypto';
import type { SecureContext, TlsOptions } from 'node:tls';
import type { ProxyContext } from '#proxy/exchange/context.ts';

/** Certificates for the server names that clients ask for. */
export interface CertificateSource {
  /** What clients get that name no server; its texts are for the listener's own context. */
  readonly default: {
    readonly cert: string | Buffer | Buffer[];
    readonly key: string | Buffer | Buffer[];
    readonly context?: SecureContext;
  };
  /** Context for a server name; undefined for a client to be refused. */
  contextFor(serverName: string | undefined): SecureContext | undefined;
  /** Server names must be looked at at all. May change with the certificates. */
  readonly needsServerName: boolean;
  /** There is an OCSP response to staple. May change with the certificates. */
  readonly staples?: boolean;
  /** The OCSP response for a certificate (its SHA-256 fingerprint), where there is one. */
  stapleFor?(fingerprint: string): Buffer | undefined;
  /** Called after each change of the certificates. */
  onChange(listener: () => void): void;
}

/** Which client certificates are asked for, and let in. */
export interface ClientPolicy {
  /** PEM of what client certificates must be signed by; undefined: clients show none. */
  readonly clientCa: Buffer | undefined;
  /** PEM of a revocation list each: one for every CA, or none at all. */
  readonly clientCrls?: readonly string[];
  /** Judge a certificate that the handshake has verified already; `xfcc` is an X-Forwarded-Client-Cert element. */
  check(peer: X509Certificate): { readonly allowed: boolean; readonly reason?: string; readonly xfcc: string };
}

export interface TlsSettings {
  readonly context: Pick<ProxyContext, 'stats'>;
  readonly certificates: CertificateSource;
  readonly policy: ClientPolicy;
  /** What is spoken inside TLS: HTTP, or any protocol, which is relayed as it is. */
  readonly mode: 'http' | 'tcp';
  readonly minVersion: '1.2' | '1.3';
  /** How long a handshake may take, in milliseconds. */
  readonly handshakeTimeout: number;
  /** There may be more than one certificate, now or later. */
  readonly selectsByName: boolean;
}

/** One context for all: a session of one certificate's must not be taken for another's (see certificates/store.ts). */
const SESSION_ID_CONTEXT = 'tls';
/**
 * Forward secrecy and authenticated encryption only. AES-128 first: as good as unbreakable, a third
 * cheaper than AES-256 for bulk data, and its SHA-256 makes cheaper handshakes than SHA-384.
 */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

/**
 * What may change while the port is open: certificates, and what client certificates are checked with.
 * @param ticketKeys the keys of session tickets, 48 bytes; random ones where absent
 */
export function contextOptions({ certificates, policy, minVersion }: TlsSettings, ticketKeys?: Buffer): TlsOptions {
  const { cert, key } = certificates.default;
  return {
    cert,
    key,
    minVersion: `TLSv${minVersion}`,
    ciphers: CIPHERS,
    sessionIdContext: SESSION_ID_CONTEXT,
    ...(ticketKeys && { ticketKeys }),
    secureOptions:
      constants.SSL_OP_NO_RENEGOTIATION |
      constants.SSL_OP_CIPHER_SERVER_PREFERENCE |
      // A resumed session would not show its certificate again to a CA that may have changed.
      (policy.clientCa ? constants.SSL_OP_NO_TICKET : 0),
    ...(policy.clientCa && { ca: policy.clientCa }),
    ...(policy.clientCrls && policy.clientCrls.length > 0 && { crl: [...policy.clientCrls] }),
  };
}

/** What the port begins with. */
export function tlsOptions(settings: TlsSettings, ticketKeys?: Buffer): TlsOptions {
  const { certificates, policy, context, mode, handshakeTimeout, selectsByName } = settings;
  return {
    ...contextOptions(settings, ticketKeys),
    ...(mode === 'http' && { ALPNProtocols: ['h2', 'http/1.1'] }),
    handshakeTimeout,
    // A socket that was verified is not to be told from one that was not by its absence: the listener looks itself.
    ...(policy.clientCa && { requestCert: true, rejectUnauthorized: false }),
    // The development certificate is the only one; any other may get company at a reload.
    ...(selectsByName && {
      SNICallback: (name: string, callback: (error: Error | null, context?: SecureContext) => void) => {
        if (!certificates.needsServerName) return callback(null);
        const found = certificates.contextFor(name);
        // The listener's own context may hold two certificates; of a chosen one `node:tls` takes only one.
        if (found && found === certificates.default.context) return callback(null);
        if (found) return callback(null, found);
        context.stats.downstreamRefused('unknown_name');
        callback(new Error('unknown server name'));
      },
    }),
    noDelay: true,
  };
}
