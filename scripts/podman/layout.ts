/** Where podman has what of a stack: made from its export when it is brought up, and read by its scenario. */
import type { Manifest } from '../lib/exported.ts';

export interface PlacedService {
  /** The pod that its container is in. */
  readonly pod: string;
  /** What podman calls its container; of a pause service, the pod's own. */
  readonly container: string;
  /** The role that the stack's labels give it. */
  readonly role: string;
  /** What runs with its network, for a look from inside: itself but for a pause service. */
  readonly inside: string;
  /** The command that tells that it is healthy; undefined where nothing does. */
  readonly healthy: readonly string[] | undefined;
  /** Its container as exported, for a one-off of it; undefined for a pause service. */
  readonly spec: Manifest | undefined;
}

export interface Layout {
  readonly on: 'podman';
  /** The container that podman runs in. */
  readonly engine: string;
  /** podman's network. */
  readonly network: string;
  readonly services: Readonly<Record<string, PlacedService>>;
  readonly pods: Readonly<Record<string, PlacedPod>>;
}

export interface PlacedPod {
  /** Its volumes, as exported. */
  readonly volumes: readonly Manifest[];
  /** Networks of the compose project that it is in. */
  readonly networks: readonly string[];
  /** What podman calls its own container, which has the network. */
  readonly infra: string;
}
