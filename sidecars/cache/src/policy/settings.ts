/** What an operator may say about the policy. Times are in seconds. */
export interface PolicySettings {
  /** Freshness of what says nothing of it and has no Last-Modified; 0 for none. */
  readonly defaultTtl: number;
  /** Part of the time since Last-Modified for which a response is taken for fresh. */
  readonly heuristic: number;
  /** Freshness of an error that says nothing of it. */
  readonly negativeTtl: number;
  /** Where a response does not say it itself. */
  readonly staleWhileRevalidate: number;
  readonly staleIfError: number;
}
