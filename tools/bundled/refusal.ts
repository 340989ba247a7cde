/** A service that cannot get a sidecar as it stands, with what to do about it. */
export class Refusal extends Error {
  /** Machine-readable: `replicas`, `host-network`, `port-clash`, … */
  readonly reason: string;
  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}
