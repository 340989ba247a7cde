/**
 * What all connections together keep in memory for slow peers. Nobody is refused memory that is
 * needed to go on; while the limit is reached, users are asked to stop and sweeps end the stalled.
 */
export class SharedMemory {
  /** Bytes. */
  readonly limit: number;
  used = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** No more should be taken in. */
  get full(): boolean {
    return this.used >= this.limit;
  }
}
