/** The driver of a stack that is up: docker compose's, or that of what runs its pods. */
import { Project, type ProjectOptions } from '../lib/compose.ts';
import type { Driver } from '../lib/driver.ts';
import { readLayout } from '../lib/layout-file.ts';
import { KubernetesProject } from '../kubernetes/driver.ts';
import type { Layout as KubernetesLayout } from '../kubernetes/layout.ts';
import { PodmanProject } from '../podman/driver.ts';
import type { Layout as PodmanLayout } from '../podman/layout.ts';

/** @param file the layout; docker compose runs the stack where it is undefined, or not there */
export function driverOf(options: ProjectOptions, file: string | undefined): Driver {
  const layout = file === undefined ? undefined : readLayout<PodmanLayout | KubernetesLayout>(file);
  if (layout === undefined) return new Project(options);
  return layout.on === 'podman' ? new PodmanProject(options, layout) : new KubernetesProject(options, layout);
}
