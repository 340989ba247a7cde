/** What an export is asked for, and the parts that it is made of. */
import type { Environment } from '../compose/interpolate.ts';
import type { Style } from './probes.ts';
import type { Digests } from './registry.ts';

export interface ExportOptions {
  /** Paths are told relative to this folder. */
  readonly base: string;
  readonly environment: Environment;
  readonly profiles?: readonly string[];
  readonly envFiles?: readonly string[];
  /** Sidecars as init containers that go on (Kubernetes 1.29), or as ordinary containers. */
  readonly style: Style;
  /** Every workload is a bare pod. */
  readonly bare: boolean;
  /** Before the names of images that the project builds, in the overlay. */
  readonly registry?: string;
  readonly namespace?: string;
  /** The tag of images that the project builds and does not name, or names without a version. */
  readonly tag?: string;
  /** Images of others without a version are taken as they are. */
  readonly allowFloating?: boolean;
  /** What their registries say of them. */
  readonly digests?: Digests;
  /** Optional parts that the overlay names. */
  readonly components?: readonly ComponentName[];
  /** What a path of the machine becomes: an empty claim, or the same path of each node; undefined refuses it. */
  readonly hostPaths?: HostPaths;
}

export type HostPaths = 'volume' | 'node';

/** Optional parts of an export. */
export type ComponentName =
  | 'ingress'
  | 'gateway'
  | 'network-policy'
  | 'autoscaling'
  | 'disruption'
  | 'monitoring'
  | 'pod-security';

export interface File {
  readonly path: string;
  readonly text: string;
  /** It is the reader's once it is there: an export does not write it again. */
  readonly yours: boolean;
  readonly secret: boolean;
}

/** An object with the file of the base that it stands in. */
export interface Placed {
  readonly file: string;
  readonly object: Record<string, unknown>;
}
