/** What every connection reads; a sidecar makes it of its own parameters. */
export interface ProxySettings {
  /** How long a request head may take from its first byte, in milliseconds. */
  readonly headerTimeout: number;
  /** How long a connection may be silent: between requests, within a body, or within a tunnel; in milliseconds. */
  readonly idleTimeout: number;
  /** How long an endpoint may take to accept a connection, in milliseconds. */
  readonly connectTimeout: number;
  /** How long an endpoint may take to begin its response, in milliseconds. */
  readonly responseTimeout: number;
  /** Largest request or response head, in bytes. */
  readonly maxHeaderSize: number;
  /** Retry-After of a 503 while no endpoint is up, in milliseconds. */
  readonly retryAfter: number;
  /**
   * X-Forwarded-*, Forwarded and X-Real-IP that a client sends are passed on. Only for a proxy behind
   * another one of the same pod; otherwise anyone could say anything.
   */
  readonly trustsForwarded: boolean;
}
