/** Where a cluster has what of a stack: written when it is brought up, and read by its scenario. */
import type { Manifest, Member } from '../lib/exported.ts';
import type { Cluster } from './context.ts';

export interface Layout extends Cluster {
  readonly on: 'kubernetes';
  readonly namespace: string;
  /** By the name of its service in compose. */
  readonly services: Readonly<Record<string, Member>>;
  readonly pods: Readonly<Record<string, PlacedPod>>;
  /** Volumes that were made for its claims, where the cluster makes none. */
  readonly volumes: readonly string[];
}

export interface PlacedPod {
  /** As it was applied. */
  readonly manifest: Manifest;
  /** Networks of the compose project that it is in. */
  readonly networks: readonly string[];
}
