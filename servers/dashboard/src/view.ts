/** What the page is given: one document, made anew at each look. */
import type { Edge } from './edges.ts';

export interface MeshDocument {
  /** Why what is shown is not what is; absent when all is well. */
  readonly problem?: string;
  readonly services: readonly ServiceDocument[];
  readonly edges: readonly Edge[];
  readonly splits: readonly Split[];
}

export interface ServiceDocument {
  readonly name: string;
  readonly replicas: readonly ReplicaDocument[];
}

export interface ReplicaDocument {
  readonly name: string;
  readonly version?: string;
  readonly healthy: boolean;
}

/** A route whose requests go to several subsets, in proportion to their weights. */
export interface Split {
  readonly service: string;
  readonly route: string;
  readonly weights: Readonly<Record<string, number>>;
}

/** One of the last requests of an edge, as the caller's proxy logged it. */
export interface RequestDocument {
  readonly time: string;
  readonly what: string;
  readonly status: string;
  readonly milliseconds: number;
  /** Envoy's response flags; `-` for none. */
  readonly flags: string;
  /** Why it failed, in words; empty when it did not. */
  readonly cause: string;
}
