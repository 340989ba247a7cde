/** Where podman has what of a stack: made from its export when it is brought up, and read by its scenario. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../lib/stacks.ts';
import type { Manifest } from './manifests.ts';

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

const FOLDER = join(ROOT, '.cache', 'podman');

/** The file with the layout of a run. */
export const layoutFile = (run: string): string => join(FOLDER, `${run}.json`);

export function writeLayout(file: string, layout: Layout): void {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(file, JSON.stringify(layout));
}

/** @throws {Error} when the file is not there */
export const readLayout = (file: string): Layout => JSON.parse(readFileSync(file, 'utf8')) as Layout;
