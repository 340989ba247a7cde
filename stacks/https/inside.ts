/** Looks from inside the stack's containers. */
import type { Project } from '../../scripts/lib/compose.ts';

/** The network namespace that a service's processes live in, as the kernel names it. */
export const netNamespace = (project: Project, service: string): Promise<string> =>
  project.exec(service, ['readlink', '/proc/self/ns/net']);
