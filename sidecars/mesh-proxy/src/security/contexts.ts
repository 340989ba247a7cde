/** TLS of the mesh, with the identity of the moment: connections that are open keep what they began with. */
import { constants } from 'node:crypto';
import { createSecureContext, type PeerCertificate, type SecureContext, type TlsOptions } from 'node:tls';
import { parseAltNames } from '#proxy/tls/subject-alt-names.ts';
import type { UpstreamTls } from '#proxy/upstream/connection.ts';
import { MESH_CARRIER, type Protocol, type TlsFor } from '../cluster/host.ts';
import type { Credentials, Identity } from '#mesh/model/identity.ts';
import { parseSpiffeId } from './spiffe-id.ts';
import { versionAlpn } from './peer-version.ts';

/** ALPN of the mesh: what is spoken inside, and that a proxy speaks it. TLS without it is the application's own. */
export const MESH_ALPN: Readonly<Record<Protocol, string>> = {
  h2: 'mesh-h2',
  'http/1.1': 'mesh-http/1.1',
  tcp: 'mesh-tcp',
};
/** The same as `mesh-tcp`, and the called proxy says first whether its application took the connection: acceptance.ts. */
export const MESH_TCP_ACK = 'mesh-tcp-ack';
/** AES-128 first: a third cheaper than AES-256 for bulk data. */
const CIPHERS = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256';

export class MeshTls {
  readonly #identity: Identity;
  readonly #version: readonly string[];
  #client: SecureContext | undefined;

  /** @param version of the own release, for peers */
  constructor(identity: Identity, version?: string) {
    this.#identity = identity;
    this.#version = versionAlpn(version);
    if (identity.current !== undefined) this.#renew(identity.current);
    identity.onChange((credentials) => this.#renew(credentials));
  }

  #renew(credentials: Credentials): void {
    this.#client = createSecureContext(contextOptions(credentials));
  }

  /** There is a certificate. */
  get ready(): boolean {
    return this.#client !== undefined;
  }

  /** The own trust domain; '' before the first certificate. */
  get trustDomain(): string {
    const { current } = this.#identity;
    return current === undefined ? '' : (parseSpiffeId(current.spiffeId)?.trustDomain ?? '');
  }

  /** Towards endpoints that must show one of these identities. */
  towards(identities: readonly string[], servername: string | undefined): TlsFor {
    const wanted = new Set(identities);
    const context = (): SecureContext | undefined => {
      this.#identity.look?.();
      return this.#client;
    };
    const checkServerIdentity = (_host: string, certificate: PeerCertificate): Error | undefined =>
      problemOf(certificate, wanted);
    return (protocol, carrier = false): UpstreamTls => ({
      // Read anew for each connection.
      get secureContext() {
        return context();
      },
      checkServerIdentity,
      ALPNProtocols: [
        ...(protocol === 'tcp' ? [MESH_TCP_ACK] : []),
        ...(carrier ? [MESH_CARRIER] : []),
        MESH_ALPN[protocol],
        ...this.#version,
      ],
      minVersion: 'TLSv1.3',
      ...(servername !== undefined && { servername }),
    });
  }
}

/** For `createSecureContext`, and for a server. */
export function contextOptions({ key, chain, trustBundle }: Credentials): TlsOptions {
  return {
    key,
    cert: chain,
    ca: trustBundle,
    minVersion: 'TLSv1.3',
    ciphers: CIPHERS,
    // A resumed session would not show its certificate again.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

/** A peer's certificate is good, but is it whom we wanted? */
function problemOf({ subjectaltname }: PeerCertificate, wanted: ReadonlySet<string>): Error | undefined {
  const uris = parseAltNames(subjectaltname).filter(({ type }) => type === 'URI');
  if (uris.length === 1 && wanted.has(uris[0]!.value)) return undefined;
  const shown = uris.map(({ value }) => value).join(', ') || 'no identity';
  const error: NodeJS.ErrnoException = new Error(`${shown} answered, where ${[...wanted].join(' or ')} was expected`);
  error.code = 'MESH_IDENTITY';
  return error;
}
