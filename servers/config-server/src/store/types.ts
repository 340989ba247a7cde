/** What the store holds, as the interface shows it. */

export type Action = 'create' | 'update' | 'rollback' | 'delete';

/** One version of a document, without its content. */
export interface Version {
  readonly key: string;
  readonly version: number;
  /** Counts all changes of the store. */
  readonly revision: number;
  /** `sha256:` and hex; of no bytes for a deletion. */
  readonly digest: string;
  /** In bytes. */
  readonly size: number;
  readonly contentType: string;
  /** ISO 8601. */
  readonly at: string;
  /** Name of the token that it came by. */
  readonly author: string;
  readonly action: Action;
  /** The version whose content a rollback restored. */
  readonly restored?: number;
  readonly deleted?: true;
}

export interface AuditLine extends Pick<
  Version,
  'revision' | 'at' | 'author' | 'action' | 'key' | 'version' | 'digest'
> {
  readonly address: string;
}

export type ReportState = 'applied' | 'rejected' | 'rolled-back';

/** What a sidecar says became of a version. */
export interface Report {
  readonly sidecar: string;
  readonly state: ReportState;
  readonly reason?: string;
  /** ISO 8601, by this server's clock. */
  readonly at: string;
}

/** Who changes a document, and what they saw of it. */
export interface ChangeRequest {
  readonly key: string;
  readonly author: string;
  /** The client's address, for the audit. */
  readonly address: string;
}
