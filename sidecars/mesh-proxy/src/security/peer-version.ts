/**
 * The release that a caller is of, once a connection: one more name among the protocols that its hello offers (ALPN), as
 * Istio's proxies announce their exchange of metadata there. The handshake covers it, no request carries it, and a server
 * that does not know it takes no notice. It is to be read on the wire, like the server's name.
 */

const PREFIX = 'mesh-version=';
/** A name of ALPN has at most 255 bytes. */
const VERSION = /^[\w.+-]{1,100}$/;
/** Versions that are told apart: callers must not fill the metrics. */
const MAX_VERSIONS = 100;

/** What a client offers besides its protocol. @param version undefined, or not a plain word: nothing */
export const versionAlpn = (version: string | undefined): readonly string[] =>
  version !== undefined && VERSION.test(version) ? [PREFIX + version] : [];

/** Versions that callers say they are of. */
export class PeerVersions {
  readonly #known = new Set<string>();

  /** @param alpn what a client offered @returns undefined for none, and beyond the first hundred */
  of(alpn: readonly string[]): string | undefined {
    const version = alpn.find((name) => name.startsWith(PREFIX))?.slice(PREFIX.length);
    if (version === undefined || !VERSION.test(version)) return undefined;
    if (!this.#known.has(version)) {
      if (this.#known.size >= MAX_VERSIONS) return undefined;
      this.#known.add(version);
    }
    return version;
  }
}
