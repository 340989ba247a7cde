/** A sender may not send; the message says why, and never holds a key. */
export class RefusedError extends Error {
  readonly reason: 'handshake' | 'tls';
  constructor(reason: RefusedError['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}
